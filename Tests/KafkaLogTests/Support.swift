import CRdkafka
import EventLog
import Logging
import Synchronization
import Testing

@testable import KafkaLog

/// A copy of a polled record.
struct Copied: Equatable {
  var topic: Int
  var partition: Int32
  var offset: Int64
  var timestamp: Int64
  var key: [UInt8]?
  var value: [UInt8]?
  var headers: [RecordHeader]

  init(_ record: borrowing RecordView) {
    topic = record.topic
    partition = record.partition
    offset = record.offset
    timestamp = record.timestamp
    key = Self.copy(record.key)
    value = Self.copy(record.value)
    headers = record.copyHeaders()
  }

  private static func copy(_ bytes: RawSpan?) -> [UInt8]? {
    guard let bytes else { return nil }
    return bytes.withUnsafeBytes { Array($0) }
  }

  var text: String { String(decoding: value ?? [], as: UTF8.self) }
}

/// Collects an entry for each log message, from any thread.
final class Recorder<Entry: Sendable>: LogHandler, Sendable {
  private let entries = Mutex<[Entry]>([])
  private let entry: @Sendable (LogEvent) -> Entry

  /// - Parameter entry: made on the thread that logs.
  init(_ entry: @escaping @Sendable (LogEvent) -> Entry) {
    self.entry = entry
  }

  var logLevel: Logger.Level {
    get { .trace }
    set {}
  }
  var metadata: Logger.Metadata {
    get { [:] }
    set {}
  }
  subscript(metadataKey _: String) -> Logger.Metadata.Value? {
    get { nil }
    set {}
  }

  func log(event: LogEvent) {
    let entry = entry(event)
    entries.withLock { $0.append(entry) }
  }

  var all: [Entry] { entries.withLock { $0 } }

  var logger: Logger { Logger(label: "test", factory: { _ in self }) }
}

/// Collects log messages.
typealias LogRecorder = Recorder<(level: Logger.Level, text: String)>

extension LogRecorder {
  convenience init() {
    self.init { event in
      (event.level, "\(event.source): \(event.message) \(event.metadata ?? [:])")
    }
  }
}

let quiet = Logger(label: "quiet", factory: { _ in SwiftLogNoOpLogHandler() })

/// A broker in this process, and a log on it.
struct Cluster {
  let broker: MockBroker
  let log: KafkaLog

  init(_ topics: [String: Int32], properties: [String: String] = [:]) throws {
    broker = try MockBroker(logger: quiet)
    // Leaked, because a local variable is released after its last use.
    _ = Unmanaged.passRetained(broker)
    for (name, partitions) in topics {
      try broker.createTopic(name, partitions: partitions)
    }
    log = KafkaLog(
      settings: KafkaSettings(bootstrapServers: broker.bootstrapServers, properties: properties),
      logger: quiet)
  }

  func producer(_ topics: [String], _ delivery: ProducerConfiguration.Delivery = .idempotent)
    throws -> KafkaProducer
  {
    try log.makeProducer(
      ProducerConfiguration(topics: topics, delivery: delivery, clientID: "test"))
  }

  func reader(_ topic: String, readCommitted: Bool = true) throws -> KafkaConsumer {
    try log.makeConsumer(
      ConsumerConfiguration(
        topics: [topic], group: nil, clientID: "reader", readCommitted: readCommitted,
        fetchWait: .milliseconds(20)))
  }

  func member(_ topic: String, group: String, clientID: String = "member") throws -> KafkaConsumer {
    try log.makeConsumer(
      ConsumerConfiguration(
        topics: [topic], group: group, clientID: clientID, fetchWait: .milliseconds(20)))
  }
}

let patience = Duration.seconds(30)

/// Polls until the condition holds. Fails the test if it never does. Answers no rebalance.
func poll(
  _ consumer: KafkaConsumer, maxRecords: Int = 1000, into records: inout [Copied],
  sourceLocation: SourceLocation = #_sourceLocation,
  until done: ([Copied], PollResult) throws -> Bool
) throws {
  let deadline = ContinuousClock.now + patience
  while ContinuousClock.now < deadline {
    let result = try consumer.poll(maxRecords: maxRecords, timeout: .milliseconds(50)) { record in
      records.append(Copied(record))
      return true
    }
    if try done(records, result) { return }
  }
  Issue.record(
    "nothing came within \(patience); got \(records.count) records",
    sourceLocation: sourceLocation)
}

/// Reads until there are at least `count` records.
func read(
  _ consumer: KafkaConsumer, count: Int, sourceLocation: SourceLocation = #_sourceLocation
) throws -> [Copied] {
  var records: [Copied] = []
  try poll(consumer, into: &records, sourceLocation: sourceLocation) { records, _ in
    records.count >= count
  }
  return records
}

extension KafkaProducer {
  func send(
    _ value: String?, key: String? = nil, topic: Int = 0, partition: Int32? = nil,
    headers: [RecordHeader] = [], timestamp: Int64? = nil, tracked: Bool = false
  ) throws {
    let key = key.map { Array($0.utf8) }
    let value = value.map { Array($0.utf8) }
    switch (key, value) {
    case (let key?, let value?):
      try send(
        topic: topic, partition: partition, key: key.span.bytes, value: value.span.bytes,
        headers: headers, timestamp: timestamp, tracked: tracked)
    case (let key?, nil):
      try send(
        topic: topic, partition: partition, key: key.span.bytes, value: nil, headers: headers,
        timestamp: timestamp, tracked: tracked)
    case (nil, let value?):
      try send(
        topic: topic, partition: partition, key: nil, value: value.span.bytes, headers: headers,
        timestamp: timestamp, tracked: tracked)
    case (nil, nil):
      try send(
        topic: topic, partition: partition, key: nil, value: nil, headers: headers,
        timestamp: timestamp, tracked: tracked)
    }
  }
}

/// Does what librdkafka does at the beginning and the end of a rebalance.
func pauseAndResume(_ partition: TopicPartition, _ client: KafkaClient) {
  let list = PartitionList([partition])
  rd_kafka_pause_partitions(client.handle, list.list)
  rd_kafka_resume_partitions(client.handle, list.list)
}

/// Makes the broker send members back to join again before they get partitions.
func refuseAssignments(_ broker: MockBroker, times: Int) {
  let syncGroup: Int16 = 14
  let errors = Array(repeating: RD_KAFKA_RESP_ERR_REBALANCE_IN_PROGRESS, count: times)
  rd_kafka_mock_push_request_errors_array(broker.cluster, syncGroup, times, errors)
}

/// Makes the broker refuse requests of a kind, by its number in the protocol, as not its own; then
/// it says `last` once.
func refuseAsWrongCoordinator(
  _ broker: MockBroker, request: Int16, times: Int,
  last: rd_kafka_resp_err_t = RD_KAFKA_RESP_ERR_NO_ERROR
) {
  let errors = Array(repeating: RD_KAFKA_RESP_ERR_NOT_COORDINATOR, count: times) + [last]
  rd_kafka_mock_push_request_errors_array(broker.cluster, request, errors.count, errors)
}

/// Makes the broker know the topic, or not.
func setKnown(_ isKnown: Bool, _ topic: String, _ broker: MockBroker) {
  rd_kafka_mock_topic_set_error(
    broker.cluster, topic,
    isKnown ? RD_KAFKA_RESP_ERR_NO_ERROR : RD_KAFKA_RESP_ERR_UNKNOWN_TOPIC_OR_PART)
}

/// Whether the group has admitted the member.
func hasJoined(_ member: KafkaConsumer) -> Bool {
  guard let name = rd_kafka_memberid(member.client.handle) else { return false }
  defer { rd_kafka_mem_free(member.client.handle, name) }
  return name.pointee != 0
}

/// Signals another thread, once.
final class Flag: Sendable {
  private let value = Atomic(false)
  var isRaised: Bool { value.load(ordering: .acquiring) }
  func raise() { value.store(true, ordering: .releasing) }
}
