import EventLog
import Streams

/// Events that a state of an earlier version stands for, and that the log has deleted.
struct RefoldGap {
  var source: TopicPartition
  /// How far the events were folded again.
  var from: Int64
  /// The first offset that the log still has.
  var to: Int64

  /// Without the beginning, nobody knows what came before: the state is kept as it is.
  var reason: Reason { Reason(.offsetBelowLogStart, text) }

  /// Half a fold can be neither kept nor finished.
  var error: StageError? { from > 0 ? .failed(reason, .stopDaemon) : nil }

  private var text: String {
    guard from > 0 else {
      return "\(source) begins at offset \(to), so the state of an earlier version can't be folded"
        + " again by event time: for the events before, what arrived last stands. To change that,"
        + " replay user-ratings from the beginning, as the README says under Replaying"
    }
    return "\(source) was folded again up to offset \(from), but now begins at \(to): restore the"
      + " state from a snapshot made before the upgrade, or \(Reason.startingOver)"
  }
}
