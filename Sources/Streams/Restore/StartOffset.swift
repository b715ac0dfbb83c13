import EventLog
import StateStore

/// Where a partition is read from, by what is known of it: after what its state stands for, else
/// where the group stands, else at the log's start.
struct StartDecision: Hashable, Sendable {
  /// The input offset the restored state stands for; `nil` without state.
  var restored: Int64?
  /// Where the group stood before the state was restored.
  var committed: Int64?
  /// What the partition holds.
  var held: Range<Int64>
  /// Whether the stage keeps state.
  var isStateful: Bool

  enum Outcome: Hashable, Sendable {
    case start
    case refuse(Refusal)
  }

  /// Why the partition can't be read from there.
  enum Refusal: Hashable, Sendable {
    /// Events were deleted before they were processed.
    case belowLogStart
    /// The topic was recreated or truncated.
    case beyondLogEnd
    /// Events were processed, and their state is gone.
    case stateLost
  }

  var offset: Int64 { restored ?? committed ?? held.lowerBound }

  var outcome: Outcome {
    let missing = MissingOffsets.of(from: offset, to: offset, in: held)
    if case .beginning = missing { return .refuse(.belowLogStart) }
    if isStateful, restored == nil, offset > held.lowerBound { return .refuse(.stateLost) }
    return missing == nil ? .start : .refuse(.beyondLogEnd)
  }
}

extension StageEnvironment {
  /// The offset to read a partition from.
  ///
  /// - Parameters:
  ///   - outcome: what to make of the group's offset.
  ///   - commit: the group's offset, before the state was restored.
  ///   - hasState: whether a state was restored that stands for anything.
  /// - Throws: `.stopDaemon`, with the code of `Reason`, when that offset is not in the log;
  ///   `.abandonPartition` when another member has committed meanwhile.
  func startOffset(
    of source: TopicPartition, _ outcome: GroupStanding.Outcome, _ commit: GroupOffset?,
    hasState: Bool, for consumer: Log.Consumer
  ) throws(StageError) -> Int64 {
    if let expiry {
      return try youngOffset(of: source, commit, expiry, for: consumer)
    }
    let (chosen, committed) = (outcome.offset, commit?.offset)
    let held = try StageError.log { () throws(LogError) in
      let held = try consumer.offsets(of: source)
      guard let chosen, chosen > held.upperBound else { return held }
      return try log.written(of: source, clientID: "\(configuration.clientID)-written")
    }
    let restored = hasState ? chosen : nil
    let decision = StartDecision(
      restored: restored, committed: chosen, held: held,
      isStateful: configuration.changelog != nil)
    if case .refuse(let refusal) = decision.outcome {
      if refusal == .belowLogStart {
        // What was processed meanwhile may be deleted; the next restore has it in its state.
        let now = try StageError.log { () throws(LogError) in
          try consumer.committed([source])[source]
        }
        guard now == committed else {
          throw .failed(
            Reason(.groupMovedOn, "the group has gone on in \(source) meanwhile"),
            .abandonPartition)
        }
      }
      let reason = configuration.reason(refusal, decision, source)
      emit(.retentionGuard(source, reason))
      throw .failed(reason, .stopDaemon)
    }
    if let restored, committed != restored {
      try reconcile(source, restored, committed, outcome, for: consumer)
    }
    return decision.offset
  }

  private func reconcile(
    _ source: TopicPartition, _ restored: Int64, _ committed: Int64?,
    _ outcome: GroupStanding.Outcome, for consumer: Log.Consumer
  ) throws(StageError) {
    if configuration.guarantee.strategy.leavesOffsetsBehind {
      // A crash came between the store's commit and the group's; lag must not show forever.
      try StageError.log { () throws(LogError) in
        try consumer.commit([source: restored], wait: false)
      }
    } else if let committed, case .goOn = outcome {
      emit(.offsetsDiffer(source, committed: committed, state: restored))
    }
  }
}

extension StageConfiguration {
  /// Why a partition can't be read from the offset that was decided on.
  fileprivate func reason(
    _ refusal: StartDecision.Refusal, _ decision: StartDecision, _ source: TopicPartition
  ) -> Reason {
    let place = "\(group) stands at \(decision.offset) in \(source)"
    return switch refusal {
    case .belowLogStart:
      Reason(
        .offsetBelowLogStart,
        "offset_below_log_start: \(place), but the log begins at \(decision.held.lowerBound):"
          + " events were deleted before they were processed. \(acceptance)")
    case .stateLost:
      Reason(
        .stateLost,
        "state_lost: \(place), but neither the store nor the changelog has the state of the events"
          + " before. Restore a snapshot (projectionist state restore); or compute the state again:"
          + " stop every instance and reset the group to the earliest offset with"
          + " kafka-consumer-groups")
    case .beyondLogEnd:
      Reason(
        .offsetBeyondLogEnd,
        "offset_beyond_log_end: \(place), but the log ends at \(decision.held.upperBound): the"
          + " topic was recreated or truncated. \(acceptance)")
    }
  }

  /// How to go on although events are lost.
  private var acceptance: String {
    compliance == .keeps
      ? "To accept the loss, stop every instance, delete the stage's changelog topic and stores, run"
        + " `projectionist topics apply` and, once the session timeout has passed, reset the group"
        + " with kafka-consumer-groups"
      : "To accept the loss and go on with what the log has, stop every instance and run"
        + " `projectionist offsets accept --stage \(name)`"
  }
}
