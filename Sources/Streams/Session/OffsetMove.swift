import EventLog

/// An offset of the group that is not where the stage stands.
struct OffsetMove: Hashable, Sendable {
  var source: TopicPartition
  /// Where the stage stands.
  var own: Int64
  var committed: Int64
}

/// What would be skipped if a stage went on at an offset ahead.
struct OffsetSkip: Hashable, Sendable {
  /// The most records that are counted; beyond it, offsets are.
  private static let counted: Int64 = 100_000

  var move: OffsetMove
  /// Records that a reader would see.
  var count: Int64
  /// Whether there are `count` at the most.
  var isEstimate = false
  /// Where the partition ends, if that is before the offset: what comes next would be skipped.
  var end: Int64?

  /// Whether nothing but transactions' markers lies between.
  var isEmpty: Bool { count == 0 && end == nil }

  init(_ move: OffsetMove, count: Int64) {
    self.move = move
    self.count = count
  }

  /// Counts them.
  init<Log: EventLog>(_ move: OffsetMove, in log: Log, _ clientID: String) throws(LogError) {
    self.init(move, count: 0)
    var reader = try PartitionReader(
      log, topics: [move.source.topic], clientID: "\(clientID)-skipped")
    let held = try reader.consumer.offsets(of: move.source)
    let hidden = try noteHidden(behind: held.upperBound, in: log, clientID)
    let range =
      max(
        move.own, held.lowerBound)..<max(
        move.own, held.lowerBound, min(move.committed, held.upperBound))
    guard !range.isEmpty else {
      // What retention has deleted is skipped as well.
      count = max(0, min(held.lowerBound, move.committed) - move.own) + hidden
      isEstimate = hidden > 0
      return
    }
    guard range.count <= Self.counted else {
      (count, isEstimate) = (Int64(range.count) + hidden, true)
      return
    }
    var seen: Int64 = 0
    try reader.begin([
      PartitionCursor(move.source, from: .at(range.lowerBound), to: range.upperBound)
    ])
    try reader.readToEnd(patience: .seconds(10)) { _, _ in
      seen += 1
      return true
    }
    count = seen + hidden
    isEstimate = hidden > 0
  }

  /// Finds what a transaction that is open holds back, which nobody can count yet.
  private mutating func noteHidden<Log: EventLog>(
    behind stable: Int64, in log: Log, _ clientID: String
  ) throws(LogError) -> Int64 {
    guard move.committed > stable else { return 0 }
    let written = try log.written(of: move.source, clientID: "\(clientID)-written").upperBound
    if move.committed > written { end = written }
    return max(0, min(move.committed, written) - max(move.own, stable))
  }

  var text: String {
    "\(move.source): \(isEstimate ? "up to " : "")\(count) events, from \(move.own) to"
      + " \(move.committed)" + (end.map { ", which is beyond its end at \($0)" } ?? "")
  }
}

extension EventLog {
  /// What a partition holds, committed or not: a transaction that is open holds its end back for
  /// readers of committed records.
  func written(of source: TopicPartition, clientID: String) throws(LogError) -> Range<Int64> {
    let consumer = try makeConsumer(
      ConsumerConfiguration(
        topics: [source.topic], group: nil, clientID: clientID, readCommitted: false))
    defer { consumer.close() }
    return try consumer.offsets(of: source)
  }
}

extension StageConfiguration {
  /// The stage's name as the commands take it.
  private var command: String { "projectionist offsets" }

  func foreignOffset(_ skips: [OffsetSkip], members: [String]?) -> Reason {
    let skipped = skips.map(\.text).joined(separator: "; ")
    let present =
      switch members {
      case nil: ""
      case let members? where members.allSatisfy(identity.isMember):
        " Nobody else is in the group now."
      case let members?: " In the group now: \(members.joined(separator: ", "))."
      }
    return Reason(
      .foreignOffset,
      "foreign_offset: somebody else has set the offsets of the group \(group) ahead, which would"
        + " skip events (\(skipped)).\(present) Go back with `\(command) restore --stage \(name)`,"
        + " or skip them with `\(command) accept --stage \(name)`; then start again")
  }

  func replaying(_ move: OffsetMove) -> Reason {
    Reason(
      .replaying,
      "the group \(group) was set back from \(move.own) to \(move.committed) in \(move.source):"
        + " reading it again from there")
  }

  func positionUnknown(_ move: OffsetMove) -> Reason {
    let newTopic = positions.map { ", or \($0) is new" } ?? ""
    return Reason(
      .positionUnknown,
      "the group \(group) stands at \(move.committed) in \(move.source), which begins at"
        + " \(move.own), and the stage has no record of how it got there: an earlier version wrote"
        + " none\(newTopic). It goes on there. If what it has written is gone, or somebody else has"
        + " set the offset, stop every instance and replay \(move.source.topic) from the beginning,"
        + " as the README says under Replaying")
  }

  func resetIgnored(_ move: OffsetMove) -> Reason {
    Reason(
      .resetIgnored,
      "the group \(group) was set to \(move.committed) in \(move.source), which has no effect: the"
        + " stage goes on at \(move.own), where its state stands. To replay events, reset the group"
        + " of the stage that reads them first, as the README says under Replaying")
  }

  func topicRecreated(_ source: TopicPartition, _ last: RecordIdentity, _ why: String) -> Reason {
    topicRecreated("\(source) up to offset \(last.offset), but \(why)")
  }

  func topicRecreated(_ topic: String, without gone: [Int32]) -> Reason {
    let partitions = gone.map { "\(TopicPartition(topic, $0))" }.joined(separator: ", ")
    return topicRecreated("\(partitions), which the topic does not have any more")
  }

  private func topicRecreated(_ what: String) -> Reason {
    let start = "`\(command) accept --stage \(name)`"
    let wayOut =
      compliance == .replays
      ? "To go on with the new topic from its beginning, and keep the state, run \(start)"
      : "To go on with the new topic, \(Reason.startingOver)"
    return Reason(
      .topicRecreated,
      "topic_recreated: \(name) has processed \(what):"
        + " the topic was deleted and created again, or this is another cluster. \(wayOut)")
  }
}
