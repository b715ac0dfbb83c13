import CRdkafka
import EventLog

/// Owns a metadata reply: brokers, topics and partitions.
@safe struct Metadata: ~Copyable {
  enum Scope {
    case brokers
    case everything
    /// One topic, which a producer's request may create.
    case topic(String)
  }

  private let reply: UnsafePointer<rd_kafka_metadata>
  private let access: ClientAccess

  init(_ client: KafkaClient, timeout: Duration, scope: Scope) throws(LogError) {
    var all: Int32 = 0
    var topic: OpaquePointer?
    switch scope {
    case .brokers: break
    case .everything: all = 1
    case .topic(let name): unsafe topic = try unsafe client.makeTopic(name)
    }
    defer { if let topic = unsafe topic { unsafe rd_kafka_topic_destroy(topic) } }
    var reply: UnsafePointer<rd_kafka_metadata>?
    let code = unsafe rd_kafka_metadata(client.handle, all, topic, &reply, timeout.milliseconds)
    guard code == RD_KAFKA_RESP_ERR_NO_ERROR, let reply = unsafe reply else {
      throw client.context.connectionError(code)
    }
    client.context.noteConnection()
    access = client.access
    unsafe self.reply = reply
  }

  deinit { unsafe rd_kafka_metadata_destroy(reply) }

  /// `host:port` of each broker, by its id.
  var brokersByID: [Int32: String] {
    unsafe (0..<Int(reply.pointee.broker_cnt)).reduce(into: [:]) { all, index in
      let broker = unsafe reply.pointee.brokers[index]
      unsafe all[broker.id] = "\(String(cString: broker.host)):\(broker.port)"
    }
  }

  /// Of each topic's partition with the fewest copies, how many it has.
  var copies: [String: Int] {
    var copies: [String: Int] = [:]
    for index in unsafe 0..<Int(reply.pointee.topic_cnt) {
      let topic = unsafe reply.pointee.topics[index]
      let counts = unsafe (0..<Int(topic.partition_cnt)).map {
        unsafe Int(topic.partitions[$0].replica_cnt)
      }
      unsafe copies[String(cString: topic.topic)] = counts.min()
    }
    return copies
  }

  var partitionCounts: [String: Int32] {
    var counts: [String: Int32] = [:]
    for index in unsafe 0..<Int(reply.pointee.topic_cnt) {
      let topic = unsafe reply.pointee.topics[index]
      guard unsafe topic.err == RD_KAFKA_RESP_ERR_NO_ERROR else { continue }
      unsafe counts[String(cString: topic.topic)] = unsafe topic.partition_cnt
    }
    return counts
  }

  func partitionCount(of name: String) throws(LogError) -> Int32 {
    for index in unsafe 0..<Int(reply.pointee.topic_cnt) {
      let topic = unsafe reply.pointee.topics[index]
      guard unsafe String(cString: topic.topic) == name else { continue }
      let code = unsafe topic.err
      guard code == RD_KAFKA_RESP_ERR_NO_ERROR else {
        throw access.explain(
          LogError(code, "topic \"\(name)\""), code,
          topics: [AccessRight(["Describe"], on: .topic(name))])
      }
      return unsafe topic.partition_cnt
    }
    throw LogError(RD_KAFKA_RESP_ERR_UNKNOWN_TOPIC_OR_PART, "topic \"\(name)\"")
  }
}
