import EventLog
import StateStore

/// When the records of a batch happened. Their ages are counted once the batch is committed.
///
/// A record costs a comparison: records that follow each other often have the same millisecond.
public struct TimeTally: Hashable, Sendable {
  private struct Run: Hashable {
    /// In milliseconds since 1970.
    var time: Int64
    var count: Int64
  }

  private var runs: [Run] = []
  /// The run that the next record may belong to.
  private var last = Run(time: .min, count: 0)

  public init() {}

  /// Notes a record's time, in milliseconds since 1970. Below 0 it has none.
  @inline(__always)
  public mutating func note(_ time: Int64) {
    if time == last.time { last.count += 1 } else { begin(time) }
  }

  private mutating func begin(_ time: Int64) {
    guard time >= 0 else { return }
    if last.count > 0 { runs.append(last) }
    last = Run(time: time, count: 1)
  }

  mutating func note(_ records: borrowing RecordRun) {
    for index in records.indices { note(records.timestamp(at: index)) }
  }

  public mutating func removeAll() {
    runs.removeAllOfBatch()
    last = Run(time: .min, count: 0)
  }

  /// How old they all are.
  ///
  /// - Parameter now: in milliseconds since 1970.
  func ages(at now: Int64) -> AgeHistogram {
    var ages = AgeHistogram()
    for run in runs { ages.add(run.count, of: now - run.time) }
    if last.count > 0 { ages.add(last.count, of: now - last.time) }
    return ages
  }
}
