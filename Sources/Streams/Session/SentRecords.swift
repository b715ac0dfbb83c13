import EventLog

/// What a stage has sent of a partition since it was last asked, by topic.
struct SentRecords {
  /// Numbered as the producer's topics; the last one stands for those that were not declared.
  private(set) var tallies: [TopicTally]

  /// - Parameter topics: `StageConfiguration.producedTopics`.
  init(topics: [String]) {
    tallies = topics.map { TopicTally(topic: $0) } + [TopicTally(topic: nil)]
  }

  @inline(__always)
  mutating func note(topic: Int, _ key: RawSpan?, _ value: RawSpan?) {
    tallies[min(topic, tallies.count - 1)]
      .add(records: 1, bytes: (key?.byteCount ?? 0) + (value?.byteCount ?? 0))
  }

  mutating func add(_ more: SentRecords) {
    for (topic, tally) in more.tallies.enumerated() {
      tallies[topic].add(records: tally.records, bytes: tally.bytes)
    }
  }

  mutating func removeAll() {
    for topic in tallies.indices { (tallies[topic].records, tallies[topic].bytes) = (0, 0) }
  }
}
