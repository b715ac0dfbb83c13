import CRdkafka
import EventLog
import Logging

/// One librdkafka producer with its topics and what it knows of its deliveries.
final class ProducerLane {
  let client: KafkaClient
  let deliveries: Deliveries
  private var topicNames: [String]
  private var topicHandles: [OpaquePointer]
  private var sendsSincePoll = 0

  /// How long `send` waits for room in the queue.
  private static let queueFullTimeout = Duration.seconds(30)
  /// Milliseconds.
  private static let abortAttempt: Int32 = 500
  private static let reportTimeout = Duration.milliseconds(100)
  /// Delivered records hold their memory until `rd_kafka_poll` has reported them.
  private static let sendsPerPoll = 256

  init(
    topics: [String], properties: [(String, String)], settings: KafkaSettings, logger: Logger
  ) throws(LogError) {
    deliveries = Deliveries(topics: topics, logger: logger)
    client = try KafkaClient(
      RD_KAFKA_PRODUCER, properties: properties, settings: settings, context: deliveries)
    topicNames = topics
    var handles: [OpaquePointer] = []
    var failure: LogError?
    do throws(LogError) {
      for topic in topics { handles.append(try client.makeTopic(topic)) }
    } catch {
      failure = error
    }
    topicHandles = handles
    if let failure { throw failure }
  }

  deinit {
    for topic in topicHandles { rd_kafka_topic_destroy(topic) }
  }

  /// Drops what is queued, so that destroying the client does not wait for it.
  func close() {
    rd_kafka_purge(client.handle, RD_KAFKA_PURGE_F_QUEUE | RD_KAFKA_PURGE_F_INFLIGHT)
    rd_kafka_poll(client.handle, 0)
  }

  /// The topic's index, declared or not before.
  func index(of topic: String) throws(LogError) -> Int {
    if let index = topicNames.firstIndex(of: topic) { return index }
    topicHandles.append(try client.makeTopic(topic))
    topicNames.append(topic)
    deliveries.addTopic()
    return topicNames.count - 1
  }

  // MARK: Records

  func send(
    topic: Int, partition: Int32?, key: RawSpan?, value: RawSpan?, headers: [RecordHeader],
    timestamp: Int64?, tracked: Bool
  ) throws(LogError) {
    sendsSincePoll += 1
    if sendsSincePoll >= Self.sendsPerPoll {
      sendsSincePoll = 0
      rd_kafka_poll(client.handle, 0)
    }
    let message = OutgoingMessage(
      topic: topicHandles[topic], partition: partition ?? RD_KAFKA_PARTITION_UA,
      timestamp: timestamp ?? 0,
      opaque: tracked ? UnsafeMutableRawPointer(bitPattern: topic + 1) : nil)
    var code = try enqueue(message, key: key, value: value, headers: headers)
    if code == RD_KAFKA_RESP_ERR__QUEUE_FULL {
      let deadline = ContinuousClock.now + Self.queueFullTimeout
      while code == RD_KAFKA_RESP_ERR__QUEUE_FULL, ContinuousClock.now < deadline {
        rd_kafka_poll(client.handle, 10)
        code = try enqueue(message, key: key, value: value, headers: headers)
      }
    }
    if code == RD_KAFKA_RESP_ERR__FATAL, let fatal = client.fatalError { throw fatal }
    if code == RD_KAFKA_RESP_ERR__STATE {
      // The report of the delivery that failed, if it was one, is on its way.
      let deadline = ContinuousClock.now + Self.reportTimeout
      while !deliveries.areRefused, ContinuousClock.now < deadline {
        rd_kafka_poll(client.handle, 10)
      }
      throw abortion("producing to \(topicNames[topic]): the transaction has failed")
    }
    if code != RD_KAFKA_RESP_ERR_NO_ERROR {
      throw LogError(code, "producing to \(topicNames[topic])")
    }
  }

  private func enqueue(
    _ message: OutgoingMessage, key: RawSpan?, value: RawSpan?, headers: [RecordHeader]
  ) throws(LogError) -> rd_kafka_resp_err_t {
    guard !headers.isEmpty else { return enqueue(message, key: key, value: value, native: nil) }
    let owned = try OutgoingHeaders(headers)
    let code = enqueue(message, key: key, value: value, native: owned.headers)
    if code == RD_KAFKA_RESP_ERR_NO_ERROR { owned.relinquish() }
    return code
  }

  private func enqueue(
    _ message: OutgoingMessage, key: RawSpan?, value: RawSpan?, native: OpaquePointer?
  ) -> rd_kafka_resp_err_t {
    withBytes(key) { keyStart, keyCount in
      withBytes(value) { valueStart, valueCount in
        message.produce(
          client.handle, keyStart, keyCount, valueStart, valueCount, headers: native)
      }
    }
  }

  func flush(timeout: Duration) throws(LogError) {
    // Waking the connections' threads for nothing costs more than asking.
    guard rd_kafka_outq_len(client.handle) > 0 else {
      if let error = deliveries.takeError() { throw error }
      return
    }
    let code = rd_kafka_flush(client.handle, timeout.milliseconds)
    if let fatal = client.fatalError { throw fatal }
    if let error = deliveries.takeError() { throw error }
    try check(code, "waiting for deliveries")
  }

  // MARK: Transactions

  func initTransactions(timeout: Duration) throws(LogError) {
    try retrying(until: .now + timeout) { [client] remaining in
      rd_kafka_init_transactions(client.handle, remaining)
    }
  }

  func beginTransaction() throws(LogError) {
    _ = deliveries.takeError()
    try check(rd_kafka_begin_transaction(client.handle))
  }

  func sendOffsets(
    _ offsets: borrowing PartitionList, of consumer: KafkaClient,
    deadline: ContinuousClock.Instant
  ) throws(LogError) {
    guard let group = GroupMetadata(of: consumer) else {
      throw LogError(RD_KAFKA_RESP_ERR__UNKNOWN_GROUP, "committing offsets")
    }
    let (native, metadata) = (offsets.list, group.metadata)
    try retrying(until: deadline) { [client] remaining in
      rd_kafka_send_offsets_to_transaction(client.handle, native, metadata, remaining)
    }
  }

  func commitTransaction(deadline: ContinuousClock.Instant) throws(LogError) {
    do throws(LogError) {
      try retrying(until: deadline) { [client] remaining in
        rd_kafka_commit_transaction(client.handle, remaining)
      }
    } catch {
      throw error.code == .transactionAborted ? abortion(error.message) : error
    }
  }

  /// Why the transaction must be aborted. The library only counts failed deliveries; the first one says
  /// why, and whether the same would happen again.
  private func abortion(_ message: String) -> LogError {
    guard let cause = deliveries.takeError() else {
      return LogError(.transactionAborted, message, reaction: .abortBatch)
    }
    let stops = cause.reaction == .stopDaemon
    return LogError(
      stops ? cause.code : .transactionAborted, "\(message) (\(cause.message))",
      reaction: stops ? .stopDaemon : .abortBatch)
  }

  /// An attempt drops what is queued and waits for what is on its way. What comes back from there, because
  /// the records before it were refused, is queued again, for the next attempt to drop.
  func abortTransaction(deadline: ContinuousClock.Instant) throws(LogError) {
    try retrying(until: deadline) { [client] remaining in
      rd_kafka_abort_transaction(client.handle, min(remaining, Self.abortAttempt))
    }
    _ = deliveries.takeError()
  }

  /// Repeats a call while its error says so and there is time.
  private func retrying(
    until deadline: ContinuousClock.Instant, _ call: (_ milliseconds: Int32) -> OpaquePointer?
  ) throws(LogError) {
    while true {
      let remaining = max(deadline - .now, .milliseconds(1))
      guard let error = ClientError(call(remaining.milliseconds)) else { return }
      if !error.isRetriable || error.requiresAbort || ContinuousClock.now >= deadline {
        throw client.fatalError ?? error.logError
      }
      // The library has waited before it gave up, unless it knew at once: serve it for a moment.
      rd_kafka_poll(client.handle, 10)
    }
  }
}

/// What delivery reports tell, in the thread that polls the producer.
final class Deliveries: ClientContext {
  /// By topic and partition, -1 where nothing tracked was delivered.
  private var offsets: [[Int64]]
  private var firstError: LogError?
  /// Those that a batch's outputs go to. What goes elsewhere has been asked for from outside.
  private let declared: Set<String>

  init(topics: [String], logger: Logger) {
    offsets = Array(repeating: [], count: topics.count)
    declared = Set(topics)
    super.init(logger: logger)
  }

  /// Whether one has failed that would fail again.
  var areRefused: Bool { firstError?.reaction == .stopDaemon }

  func addTopic() { offsets.append([]) }

  func offset(topic: Int, partition: Int32) -> Int64? {
    guard offsets[topic].indices.contains(Int(partition)) else { return nil }
    let offset = offsets[topic][Int(partition)]
    return offset < 0 ? nil : offset
  }

  /// The failed delivery, since this was asked last, that the others follow from. Its record is gone:
  /// asking again sends nothing.
  func takeError() -> LogError? {
    defer { firstError = nil }
    return firstError
  }

  override func delivered(_ message: UnsafePointer<rd_kafka_message_t>) {
    let record = message.pointee
    guard record.err == RD_KAFKA_RESP_ERR_NO_ERROR else {
      let topic = record.rkt.map { String(cString: rd_kafka_topic_name($0)) } ?? ""
      return failed(LogError(record.err, "delivery to \(topic)[\(record.partition)]"), topic)
    }
    guard let tag = record._private, record.partition >= 0 else { return }
    let topic = Int(bitPattern: tag) - 1
    let partition = Int(record.partition)
    let missing = partition + 1 - offsets[topic].count
    if missing > 0 { offsets[topic].append(contentsOf: repeatElement(-1, count: missing)) }
    offsets[topic][partition] = max(offsets[topic][partition], record.offset)
  }

  private func failed(_ error: LogError, _ topic: String) {
    guard declared.contains(topic) else {
      logger.warning("a record is lost", metadata: ["reason": "\(error)"])
      return
    }
    // The transaction of a refused record fails, and with it what was queued behind the record.
    guard firstError == nil || (error.reaction == .stopDaemon && !areRefused) else { return }
    firstError = error
    if error.reaction == .retry { firstError?.reaction = .abortBatch }
  }
}

/// Owns a consumer group's metadata, which fences the offsets of a transaction.
private struct GroupMetadata: ~Copyable {
  let metadata: OpaquePointer

  init?(of consumer: KafkaClient) {
    guard let metadata = rd_kafka_consumer_group_metadata(consumer.handle) else { return nil }
    self.metadata = metadata
  }

  deinit { rd_kafka_consumer_group_metadata_destroy(metadata) }
}
