import EventLog
import StateStore

// Where to go on in the partitions that are opened, when somebody else may have set the group's
// offsets.

extension StageSession where Operator: ~Copyable {
  /// What the stage knows of a partition: from its state, or from its record of its positions.
  struct Known {
    var commit: GroupOffset?
    var position: Position?
    /// The furthest that it has ever been, where it records its positions.
    var furthestOffset: Int64?
    /// Whether its position is in the topic of positions.
    var isRecorded = false
  }

  /// The positions of partitions that the stage has recorded itself, in the log.
  func recordedPositions(
    of sources: [TopicPartition], _ commits: [TopicPartition: GroupOffset]
  ) throws(StageError) -> [Int32: RecordedPosition] {
    guard let topic = configuration.positions, !sources.isEmpty else { return [:] }
    // Where a member has committed the group's offset, the record only tells what lies before it.
    let decides = sources.contains {
      let standing = GroupStanding(commits[$0], own: 0, configuration)
      return !standing.isOurs || standing.isAccepted
    }
    let stop = environment.stop
    let recorded = try StageError.log { () throws(LogError) in
      try RecordedPosition.all(
        in: topic, of: environment.log, clientID: "\(configuration.clientID)-positions",
        waits: decides, isStopped: { stop.isStopped })
    }
    guard !stop.isStopped else { throw .stopped }
    return recorded
  }

  /// Decides where to go on.
  ///
  /// - Parameter hasRecords: whether the stage has recorded a position of any partition.
  /// - Throws: `foreign_offset`, which stops the daemon, when events would be skipped.
  func standings(_ known: [TopicPartition: Known], hasRecords: Bool) throws(StageError)
    -> [TopicPartition: GroupStanding.Outcome]
  {
    var outcomes: [TopicPartition: GroupStanding.Outcome] = [:]
    var skips: [OffsetSkip] = []
    for (source, known) in known.sorted(by: { $0.key.partition < $1.key.partition }) {
      var own = known.position?.inputOffset
      if own == nil { own = try beginning(source, known.commit, hasRecords: hasRecords) }
      let standing = GroupStanding(known.commit, own: own, configuration)
      outcomes[source] = standing.outcome
      guard let own = standing.own, let committed = standing.committed else { continue }
      let move = OffsetMove(source: source, own: own, committed: committed)
      switch standing.outcome {
      case .goOn: break
      case .ignore:
        environment.emit(.foreignOffset(source, configuration.resetIgnored(move)))
      case .move where committed < own && !standing.isAccepted:
        environment.emit(.foreignOffset(source, configuration.replaying(move)))
      case .move: break
      case .refuse(let offset):
        let skipped = try skippedRecords(move)
        if skipped.isEmpty {
          outcomes[source] = .move(to: offset)
        } else {
          skips.append(skipped)
        }
      }
    }
    guard skips.isEmpty else {
      throw .failed(configuration.foreignOffset(skips, members: groupMembers), .stopDaemon)
    }
    return outcomes
  }

  /// Where a stage that records its positions stands in a partition that it has no record of: it
  /// records where it begins before it reads anything, so it has never read that partition, and
  /// stands at the log's start. Unless all records are gone: then nobody can tell.
  ///
  /// - Returns: `nil` where the group's offset decides.
  private func beginning(_ source: TopicPartition, _ commit: GroupOffset?, hasRecords: Bool)
    throws(StageError) -> Int64?
  {
    guard let commit, configuration.compliance == .replays else { return nil }
    let standing = GroupStanding(commit, own: nil, configuration)
    guard !standing.isAccepted, !hasRecords || !standing.isOurs else { return nil }
    let start = try StageError.log { () throws(LogError) in
      try consumer.offsets(of: source).lowerBound
    }
    guard commit.offset > start else { return nil }
    if hasRecords { return start }
    let move = OffsetMove(source: source, own: start, committed: commit.offset)
    environment.emit(.foreignOffset(source, configuration.positionUnknown(move)))
    return nil
  }

  /// `nil` where the broker doesn't tell.
  private var groupMembers: [String]? {
    do throws(LogError) { return try consumer.groupMembers() } catch { return nil }
  }

  private func skippedRecords(_ move: OffsetMove) throws(StageError) -> OffsetSkip {
    do throws(LogError) {
      return try OffsetSkip(move, in: environment.log, configuration.clientID)
    } catch { throw .log(error) }
  }

  /// Partitions that the stage has recorded positions of, and its input does not have: a topic
  /// grows, and never shrinks.
  func partitionsGone(_ recorded: [Int32: RecordedPosition]) throws(StageError) -> [Int32] {
    guard let last = recorded.keys.max() else { return [] }
    let count = try StageError.log { () throws(LogError) in
      try consumer.partitionCount(of: configuration.inputs[0])
    }
    return last < count ? [] : recorded.keys.filter { $0 >= count }.sorted()
  }

  /// Makes sure that the input still has the newest record that the stage's position stands for.
  ///
  /// - Parameter gone: see `partitionsGone`.
  /// - Returns: partitions that have not, which somebody has accepted.
  /// - Throws: `topic_recreated`, which stops the daemon.
  func checkInput(_ known: [TopicPartition: Known], _ gone: [Int32]) throws(StageError)
    -> [TopicPartition]
  {
    if !gone.isEmpty {
      let refused = known.filter { !isAccepted($0.value) }.keys.min { $0.partition < $1.partition }
      guard let refused else { return Array(known.keys) }
      throw refuse(refused, configuration.topicRecreated(refused.topic, without: gone))
    }
    let expected = known.compactMapValues { $0.position?.last }
    guard !expected.isEmpty else { return [] }
    let found: [TopicPartition: LookedUp]
    do throws(LogError) {
      var lookUp = try RecordLookUp(
        environment.log, topics: configuration.inputs,
        clientID: "\(configuration.clientID)-identity")
      found = try lookUp.find(expected.mapValues(\.offset))
    } catch { throw .log(error) }
    var accepted: [TopicPartition] = []
    for (source, last) in expected.sorted(by: { $0.key.partition < $1.key.partition }) {
      guard let why = found[source].flatMap({ last.difference(from: $0) }) else { continue }
      if let known = known[source], isAccepted(known) {
        accepted.append(source)
        continue
      }
      throw refuse(source, configuration.topicRecreated(source, last, why))
    }
    return accepted
  }

  /// Who accepts an offset accepts the topic that it is of.
  private func isAccepted(_ known: Known) -> Bool {
    if configuration.compliance != .keeps, case .accepted? = known.commit?.stamp { return true }
    return false
  }

  private func refuse(_ source: TopicPartition, _ reason: Reason) -> StageError {
    environment.emit(.retentionGuard(source, reason))
    return .failed(reason, .stopDaemon)
  }
}
