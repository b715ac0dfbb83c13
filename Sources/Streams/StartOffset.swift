import EventLog
import StateStore

extension StageEnvironment {
  /// Where a partition is read from: after what its state stands for, else where the group stands,
  /// else at the log's start.
  ///
  /// - Parameter committed: where the group stood before the state was restored.
  /// - Throws: `.stopDaemon`, by name, when that offset is not in the log; `.abandonPartition` when
  ///   another member has gone on meanwhile.
  func startOffset(
    of source: TopicPartition, restored: Int64?, committed: Int64?, for consumer: Log.Consumer
  ) throws(StageError) -> Int64 {
    let range = try StageError.log { () throws(LogError) in try consumer.offsets(of: source) }
    let start = restored ?? committed ?? range.lowerBound
    guard range.lowerBound <= start else {
      // What was processed meanwhile may be deleted, and is in a state that is restored anew.
      let now = try StageError.log { () throws(LogError) in try consumer.committed([source])[source]
      }
      guard now == committed else {
        throw .failed(
          Reason(.groupMovedOn, "the group has gone on in \(source) meanwhile"), .abandonPartition)
      }
      throw refusal(
        of: source, .offsetBelowLogStart,
        "offset_below_log_start: \(configuration.group) stands at \(start) in \(source), but the"
          + " log begins at \(range.lowerBound): events were deleted before they were processed."
          + " To accept the loss, stop every instance and, once the session timeout has passed,"
          + " reset the group with kafka-consumer-groups; delete the stage's state and changelog")
    }
    if configuration.changelog != nil, restored == nil, start > range.lowerBound {
      throw refusal(
        of: source, .stateLost,
        "state_lost: \(configuration.group) stands at \(start) in \(source), but neither the store"
          + " nor the changelog has the state of the events before. Restore a snapshot (projectionist"
          + " state restore); or compute the state anew: stop every instance and reset the group to"
          + " the earliest offset with kafka-consumer-groups")
    }
    guard start <= range.upperBound else {
      throw refusal(
        of: source, .offsetBeyondLogEnd,
        "offset_beyond_log_end: \(configuration.group) stands at \(start) in \(source), but the log"
          + " ends at \(range.upperBound): the topic was recreated or truncated. Use another"
          + " application name or state directory, or reset the group")
    }
    if let restored, committed != restored {
      try reconcile(source, restored, committed, for: consumer)
    }
    return start
  }

  /// Tells that a partition's records don't fit its position, and stops the stage.
  private func refusal(of source: TopicPartition, _ code: Reason.Code, _ text: String)
    -> StageError
  {
    let reason = Reason(code, text)
    emit(.retentionGuard(source, reason))
    return .failed(reason, .stopDaemon)
  }

  private func reconcile(
    _ source: TopicPartition, _ restored: Int64, _ committed: Int64?, for consumer: Log.Consumer
  ) throws(StageError) {
    if configuration.guarantee.strategy.leavesOffsetsBehind {
      // A crash came between the store's commit and the group's; lag must not show for ever.
      try StageError.log { () throws(LogError) in
        try consumer.commit([source: restored], wait: false)
      }
    } else if let committed {
      emit(.offsetsDiffer(source, committed: committed, state: restored))
    }
  }
}
