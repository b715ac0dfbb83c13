import CRdkafka
import EventLog

extension Mend {
  /// A fetcher that finds the consumer's queue full (`queued.min.messages`,
  /// `queued.max.messages.kbytes`) sleeps for up to a second unless something else happens on its
  /// connection. That limits a consumer to one full queue a second.
  ///
  /// Version 2.2 has a property for how long it sleeps.
  static let sleepingFetchers = Mend(
    fault: "A fetcher that finds the queue full sleeps for a second.",
    source: "https://github.com/confluentinc/librdkafka/pull/2879",
    mendedIn: LibraryVersion(2, 2, 0))

  /// What replaces `FetchNudge` where the property exists. Its default is still a second.
  static func fetchQueueProperties(_ version: LibraryVersion = .linked) -> [(String, String)] {
    sleepingFetchers.isNeeded(by: version) ? [] : [("fetch.queue.backoff.ms", "10")]
  }
}

/// Wakes fetchers that sleep on a full queue.
///
/// Any request to a broker wakes its fetcher. So each time half a queue has been taken, this asks
/// for the partitions' end; nobody reads the answer.
struct FetchNudge {
  private let recordsPerNudge: Int
  private let bytesPerNudge: Int
  private var records = 0
  private var bytes = 0

  init(_ configuration: ConsumerConfiguration, _ version: LibraryVersion = .linked) {
    guard Mend.sleepingFetchers.isNeeded(by: version) else {
      (recordsPerNudge, bytesPerNudge) = (.max, .max)
      return
    }
    recordsPerNudge = configuration.maxQueuedRecords / 2
    bytesPerNudge = max(1, configuration.maxQueuedBytes / 2)
  }

  var isDue: Bool { records >= recordsPerNudge || bytes >= bytesPerNudge }

  /// Counts a record that has left the queue.
  mutating func count(bytes size: Int) {
    records += 1
    bytes += size
  }

  mutating func wakeFetchers(of partitions: Set<TopicPartition>, _ client: KafkaClient) {
    (records, bytes) = (0, 0)
    guard !partitions.isEmpty else { return }
    let list = PartitionList(capacity: partitions.count)
    for partition in partitions { list.add(partition, offset: Int64(RD_KAFKA_OFFSET_END)) }
    // One request to each leader. Its reply may be late: what counts is that it was sent.
    unsafe rd_kafka_offsets_for_times(client.handle, list.list, 1)
  }
}
