import EventLog
import KafkaLog

extension KafkaLog {
  /// Which offsets each partition of a topic has at present.
  func bounds(of topic: String) throws(LogError) -> [TopicPartition: Range<Int64>] {
    let asking = try makeConsumer(
      ConsumerConfiguration(topics: [topic], group: nil, clientID: "projectionist-bounds"))
    defer { asking.close() }
    return try asking.bounds(of: topic)
  }
}

extension LogConsumer {
  /// Which offsets each partition of a topic has at present.
  func bounds(of topic: String) throws(LogError) -> [TopicPartition: Range<Int64>] {
    var bounds: [TopicPartition: Range<Int64>] = [:]
    for number in 0..<(try partitionCount(of: topic)) {
      let partition = TopicPartition(topic, number)
      bounds[partition] = try offsets(of: partition)
    }
    return bounds
  }
}
