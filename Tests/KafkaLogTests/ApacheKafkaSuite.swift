import EventLog
import Foundation
import Testing

@testable import KafkaLog

private let bootstrapServers = ProcessInfo.processInfo.environment["KAFKA_BOOTSTRAP_SERVERS"]

extension Trait where Self == ConditionTrait {
  static var needsApacheKafka: Self {
    .enabled(if: bootstrapServers != nil, "needs Apache Kafka named by KAFKA_BOOTSTRAP_SERVERS")
  }
}

/// Tests on a running broker, with topics of their own.
protocol ApacheKafkaSuite {}

extension ApacheKafkaSuite {
  var log: KafkaLog {
    KafkaLog(settings: KafkaSettings(bootstrapServers: bootstrapServers ?? ""), logger: quiet)
  }

  /// Runs `body` with new topics, deleted afterwards. A prefix makes their names unique.
  func withTopics(
    _ topics: [String: Int32], _ body: (_ prefix: String, KafkaAdmin) throws -> Void
  ) throws {
    let prefix = "test-\(UInt64.random(in: 0...UInt64.max))-"
    let admin = try log.makeAdmin()
    let created = try admin.create(
      topics.map {
        KafkaAdmin.NewTopic(
          prefix + $0.key, partitions: $0.value, replicationFactor: 1,
          properties: ["retention.ms": "-1"])
      })
    #expect(created.values.allSatisfy { $0 == .done })
    defer { _ = try? admin.delete(topics.keys.map { prefix + $0 }) }
    let deadline = ContinuousClock.now + patience
    while try !Set(admin.topics().keys).isSuperset(of: topics.keys.map { prefix + $0 }) {
      try #require(ContinuousClock.now < deadline)
    }
    try body(prefix, admin)
  }

  func producer(_ topics: [String], id: String? = nil) throws -> KafkaProducer {
    try log.makeProducer(
      ProducerConfiguration(
        topics: topics, delivery: id.map { .transactional(id: $0) } ?? .idempotent,
        clientID: "test"))
  }

  func reader(_ topic: String, readCommitted: Bool = true) throws -> KafkaConsumer {
    try log.makeConsumer(
      ConsumerConfiguration(
        topics: [topic], group: nil, clientID: "reader", readCommitted: readCommitted,
        fetchWait: .milliseconds(20)))
  }

  func member(_ topic: String, group: String) throws -> KafkaConsumer {
    try log.makeConsumer(
      ConsumerConfiguration(
        topics: [topic], group: group, clientID: "member", fetchWait: .milliseconds(20)))
  }

  func join(_ member: KafkaConsumer, expecting count: Int) throws -> [Copied] {
    var records: [Copied] = []
    try poll(member, into: &records) { records, result in
      if case .assigned(let partitions) = result.rebalance {
        try member.assign(partitions.map { ($0, .beginning) })
      }
      return records.count >= count
    }
    return records
  }
}
