import CRdkafka
import EventLog

/// Wakes librdkafka's fetchers when there is room again.
///
/// A fetcher that finds the consumer's queue full (`queued.min.messages`,
/// `queued.max.messages.kbytes`) sleeps until something else happens on its connection, for up to a
/// second (`rd_kafka_broker_consumer_serve` in librdkafka 2.0; `fetch.queue.backoff.ms` since 2.2),
/// which would limit a consumer to one full queue a second. Any request to the broker wakes it. So
/// each time half a queue has been taken, the partitions' end is asked for; nobody reads the answer.
struct FetchNudge {
  private let recordsPerNudge: Int
  private let bytesPerNudge: Int
  private var records = 0
  private var bytes = 0

  init(_ configuration: ConsumerConfiguration) {
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
    rd_kafka_offsets_for_times(client.handle, list.list, 1)
  }
}
