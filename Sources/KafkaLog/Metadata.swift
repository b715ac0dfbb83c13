import CRdkafka
import EventLog

/// Owns a metadata reply: the brokers, and topics with their partitions.
struct Metadata: ~Copyable {
  enum Scope {
    case brokers
    case everything
    /// One topic. A producer's question may make the broker create it.
    case topic(String)
  }

  private let reply: UnsafePointer<rd_kafka_metadata>

  init(_ client: KafkaClient, timeout: Duration, scope: Scope) throws(LogError) {
    var all: Int32 = 0
    var topic: OpaquePointer?
    switch scope {
    case .brokers: break
    case .everything: all = 1
    case .topic(let name): topic = try client.makeTopic(name)
    }
    defer { if let topic { rd_kafka_topic_destroy(topic) } }
    var reply: UnsafePointer<rd_kafka_metadata>?
    let code = rd_kafka_metadata(client.handle, all, topic, &reply, timeout.milliseconds)
    guard code == RD_KAFKA_RESP_ERR_NO_ERROR, let reply else {
      throw client.context.authenticationError ?? LogError(code, "no Kafka broker answers")
    }
    self.reply = reply
  }

  deinit { rd_kafka_metadata_destroy(reply) }

  /// `host:port` of each.
  var brokers: [String] {
    (0..<Int(reply.pointee.broker_cnt)).map { index in
      let broker = reply.pointee.brokers[index]
      return "\(String(cString: broker.host)):\(broker.port)"
    }
  }

  var partitionCounts: [String: Int32] {
    var counts: [String: Int32] = [:]
    for index in 0..<Int(reply.pointee.topic_cnt) {
      let topic = reply.pointee.topics[index]
      guard topic.err == RD_KAFKA_RESP_ERR_NO_ERROR else { continue }
      counts[String(cString: topic.topic)] = topic.partition_cnt
    }
    return counts
  }

  func partitionCount(of name: String) throws(LogError) -> Int32 {
    for index in 0..<Int(reply.pointee.topic_cnt) {
      let topic = reply.pointee.topics[index]
      guard String(cString: topic.topic) == name else { continue }
      try check(topic.err, "topic \"\(name)\"")
      return topic.partition_cnt
    }
    throw LogError(RD_KAFKA_RESP_ERR_UNKNOWN_TOPIC_OR_PART, "topic \"\(name)\"")
  }
}
