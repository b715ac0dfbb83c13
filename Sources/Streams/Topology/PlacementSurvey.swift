public import EventLog

/// Reads some keys of what the stages have written, to tell by how many partitions it was placed.
public struct PlacementSurvey<Log: EventLog> {
  private let log: Log
  private let topology: Topology
  private let clientID: String

  /// How many keys of a partition, and how many partitions of a topic, are looked at.
  private static var keysPerPartition: Int { 64 }
  private static var partitionsPerTopic: Int { 16 }
  private static var patience: Duration { .seconds(10) }

  public init(_ log: Log, _ topology: Topology, clientID: String) {
    self.log = log
    self.topology = topology
    self.clientID = clientID
  }

  /// The topics whose records' places are looked at. Others write requests as they like, and the
  /// keys of changelogs are the stores'.
  public static func topics(of topology: Topology, in group: String) -> [TopicDeclaration] {
    topology.topics.filter { topic in
      topic.scope == .generation && topic.partitions == .group(group)
        && !topic.acceptsAnyPartitionCount
    }
  }

  /// By how many partitions the keys of each group of topics were placed; the wanted count where
  /// there are none.
  ///
  /// - Parameters:
  ///   - wanted: what the configuration says.
  ///   - held: what the partitions of the surveyed topics have.
  public func counts(
    wanted: PartitionCounts, held: [TopicPartition: Range<Int64>]
  ) throws(LogError) -> PartitionCounts {
    var counts = wanted
    for (group, count) in wanted.byGroup.sorted(by: { $0.key < $1.key }) {
      let names = Self.topics(of: topology, in: group).map { topology[$0] }
      if let placed = try vote(names, held).winner(wanted: count) { counts.byGroup[group] = placed }
    }
    return counts
  }

  private func vote(_ topics: [String], _ held: [TopicPartition: Range<Int64>])
    throws(LogError) -> PlacementVote
  {
    let present = held.filter { topics.contains($0.key.topic) }
    var vote = PlacementVote(most: (present.keys.map(\.partition).max() ?? 0) + 1)
    let cursors = topics.flatMap { topic in
      present.filter { $0.key.topic == topic && !$0.value.isEmpty }
        .sorted { $0.key.partition < $1.key.partition }.prefix(Self.partitionsPerTopic)
        .map { PartitionCursor($0.key, from: .at($0.value.lowerBound), to: $0.value.upperBound) }
    }
    guard !cursors.isEmpty else { return vote }
    // What was aborted was placed as well, and an open transaction must not hold this up.
    var reader = try PartitionReader(
      log, topics: topics, clientID: clientID, readCommitted: false, maxQueuedBytes: 1 << 20)
    try reader.begin(cursors)
    try read(&reader, into: &vote)
    return vote
  }

  private func read(
    _ reader: inout PartitionReader<Log.Consumer>, into vote: inout PlacementVote
  ) throws(LogError) {
    var seen = Array(repeating: 0, count: reader.cursors.count)
    let timeout = Duration.milliseconds(100)
    var silence = Duration.zero
    while !reader.isFinished {
      let before = reader.passed
      let result = try reader.poll(timeout: timeout) { number, record in
        if let key = record.key, seen[number] < Self.keysPerPartition {
          vote.add(key, in: record.partition)
        }
        seen[number] += 1
        return true
      }
      for number in seen.indices where seen[number] >= Self.keysPerPartition {
        try reader.abandon(number)
      }
      silence = result.records > 0 || reader.passed > before ? .zero : silence + timeout
      guard silence < Self.patience else {
        throw LogError(
          .unavailable, "the topics that the stages write can't be read", reaction: .retry)
      }
    }
  }
}
