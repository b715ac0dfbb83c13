import EventLog

extension Mend {
  /// `rd_kafka_consume_batch_queue` moves the client's own position past records that the
  /// application never sees, and after a rebalance the client goes on from there.
  ///
  /// Until 2.1 those are the records it had taken when a rebalance paused their partition. From 2.2
  /// to 2.13.1 it is the first record after an end of partition that it reported
  /// (https://github.com/confluentinc/librdkafka/pull/5213).
  ///
  /// So `Assignment` keeps its own positions and seeks to them after each rebalance.
  static let skippedRecords = Mend(
    fault: "A batch consume skips records when a rebalance pauses their partition.",
    source: "https://github.com/confluentinc/librdkafka/pull/4208",
    mendedIn: LibraryVersion(2, 13, 2))

  /// Where to seek after the answer to a rebalance.
  ///
  /// - Parameters:
  ///   - kept: the partitions that stay assigned.
  ///   - rewound: those in which the caller has gone back since the rebalance began.
  static func seeks(
    keeping kept: Set<TopicPartition>, rewound: Set<TopicPartition>,
    _ version: LibraryVersion = .linked
  ) -> Set<TopicPartition> {
    skippedRecords.isNeeded(by: version) ? kept : kept.intersection(rewound)
  }
}
