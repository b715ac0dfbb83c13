import CRdkafka
import EventLog

/// Each partition's first offset kept and end, in two requests (KAFKA-1588: a request can't ask for
/// both).
///
/// The end is the last stable offset if the client reads only committed records. This is not
/// `rd_kafka_query_watermark_offsets`, which asks about one partition at a time.
func queryOffsets(of partitions: [TopicPartition], client: KafkaClient, timeout: Duration)
  throws(LogError) -> [TopicPartition: Range<Int64>]
{
  let starts = try lookUp(
    partitions, timestamp: Int64(RD_KAFKA_OFFSET_BEGINNING), client: client, timeout: timeout)
  let ends = try lookUp(
    partitions, timestamp: Int64(RD_KAFKA_OFFSET_END), client: client, timeout: timeout)
  var result: [TopicPartition: Range<Int64>] = [:]
  for (partition, end) in ends {
    let start = starts[partition] ?? end
    result[partition] = min(start, end)..<end
  }
  return result
}

/// ListOffsets for every partition. Those without a record at or after the time are absent.
///
/// - Parameter timestamp: milliseconds since 1970, or the protocol's -2 (first) and -1 (end).
func lookUp(
  _ partitions: [TopicPartition], timestamp: Int64, client: KafkaClient, timeout: Duration
) throws(LogError) -> [TopicPartition: Int64] {
  guard !partitions.isEmpty else { return [:] }
  let deadline = ContinuousClock.now + timeout
  while true {
    let list = PartitionList(capacity: partitions.count)
    for partition in partitions { list.add(partition, offset: timestamp) }
    let remaining = max(deadline - .now, .milliseconds(1))
    let code = unsafe rd_kafka_offsets_for_times(client.handle, list.list, remaining.milliseconds)
    do throws(LogError) {
      try check(code, "asking for offsets")
      var result: [TopicPartition: Int64] = [:]
      try list.forEach { (partition, offset, code) throws(LogError) in
        try check(code, "asking for the offset of \(partition)")
        if offset >= 0 { result[partition] = offset }
      }
      return result
    } catch {
      // Usually a leader has just moved, and the client is fetching new metadata.
      guard error.code == .unavailable, ContinuousClock.now < deadline else { throw error }
    }
  }
}
