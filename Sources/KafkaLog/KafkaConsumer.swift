import CRdkafka
public import EventLog
import Logging

/// A librdkafka consumer, used by one thread.
///
/// Records are taken in batches (`rd_kafka_consume_batch_queue`), which in librdkafka before 2.1
/// skips records when a rebalance pauses the partitions while a batch is being taken: those
/// already taken are thrown away, yet the client's own position has moved past them
/// (https://github.com/confluentinc/librdkafka/pull/4208). So this consumer trusts its own
/// positions only: after each rebalance every partition it keeps is set back to the first offset
/// not delivered, and records below a position are dropped.
public final class KafkaConsumer: LogConsumer {
  let client: KafkaClient
  let mailbox: RebalanceMailbox
  let topics: [String]
  let requestTimeout: Duration
  let logger: Logger
  /// The member's name, which goes with the offsets it commits.
  let instanceID: String?
  private let group: String?
  private let isMember: Bool
  private let topicHandles: [OpaquePointer]
  private let queue: OpaquePointer
  private let batch: UnsafeMutableBufferPointer<UnsafeMutablePointer<rd_kafka_message_t>?>
  /// By topic and partition, the lowest offset still to be delivered; `unassigned` where nothing
  /// is. Logical start offsets are negative, so they let every record pass.
  var positions: [[Int64]]
  /// Partitions given to librdkafka and not taken back.
  var assigned: Set<TopicPartition> = []
  /// Partitions of the pending revocation that the caller has let go of.
  var released: Set<TopicPartition> = []
  /// Where each partition's end was when it was last reached.
  private var reachedEnds: [TopicPartition: Int64] = [:]
  private var nudge: FetchNudge
  private var deferredError: LogError?
  private var isClosed = false

  static let unassigned = Int64.max
  private static let batchSize = 1024

  init(_ configuration: ConsumerConfiguration, settings: KafkaSettings, logger: Logger)
    throws(LogError)
  {
    mailbox = RebalanceMailbox(logger: logger)
    client = try KafkaClient(
      RD_KAFKA_CONSUMER, properties: settings.consumerProperties(configuration),
      settings: settings, context: mailbox)
    topics = configuration.topics
    requestTimeout = settings.requestTimeout
    self.logger = logger
    instanceID = configuration.instanceID
    group = configuration.group
    isMember = configuration.isMember
    positions = Array(repeating: [], count: topics.count)
    nudge = FetchNudge(configuration)
    // Everything the client logs or asks of the application arrives on the one queue.
    rd_kafka_poll_set_consumer(client.handle)
    queue = rd_kafka_queue_get_consumer(client.handle)
    mailbox.queue = queue
    batch = .allocate(capacity: Self.batchSize)
    batch.initialize(repeating: nil)
    // Held for the life of the client, so that comparing pointers tells topics apart.
    var handles: [OpaquePointer] = []
    var failure: LogError?
    do throws(LogError) {
      for topic in topics { handles.append(try client.makeTopic(topic)) }
      if configuration.isMember { try Self.subscribe(client, to: topics) }
    } catch {
      failure = error
    }
    topicHandles = handles
    if let failure {
      throw failure
    }
  }

  deinit {
    shutDown()
    for topic in topicHandles { rd_kafka_topic_destroy(topic) }
    mailbox.queue = nil
    rd_kafka_queue_destroy(queue)
    batch.deallocate()
  }

  private static func subscribe(_ client: KafkaClient, to topics: [String]) throws(LogError) {
    let list = PartitionList(topics.map { TopicPartition($0, -1) })
    try check(rd_kafka_subscribe(client.handle, list.list), "subscribing")
  }

  public func close(leaving: Bool) {
    // A static member leaves when it unsubscribes and only then.
    if leaving, isMember, instanceID != nil, !isClosed { rd_kafka_unsubscribe(client.handle) }
    shutDown()
  }

  /// Leaves the group within the request timeout, or lets the group find out by the session's.
  private func shutDown() {
    guard !isClosed else { return }
    isClosed = true
    defer { client.outlivesOwner = isMember && !mailbox.hasBeenAssigned }
    answerPendingForClose()
    guard let closing = rd_kafka_queue_new(client.handle) else { return }
    defer { rd_kafka_queue_destroy(closing) }
    if let error = ClientError(rd_kafka_consumer_close_queue(client.handle, closing)) {
      logger.debug("consumer not closed", metadata: ["reason": "\(error.logError)"])
      return
    }
    // What the client's queue gets now ends here: records nobody wants, and one revocation. A
    // second answer could come after the group's end, and then would wait for ever.
    var isAnswered = false
    let deadline = ContinuousClock.now + requestTimeout
    while rd_kafka_consumer_closed(client.handle) == 0, ContinuousClock.now < deadline {
      guard let event = rd_kafka_queue_poll(closing, 20) else { continue }
      if rd_kafka_event_type(event) == RD_KAFKA_EVENT_REBALANCE, !isAnswered {
        isAnswered = true
        // While it terminates, librdkafka takes any assignment for giving everything back.
        rd_kafka_assign(client.handle, nil)
      }
      rd_kafka_event_destroy(event)
    }
  }

  /// A rebalance nobody will answer any more would keep the client from closing.
  private func answerPendingForClose() {
    // One still in the queue comes out first.
    let taken = rd_kafka_consume_batch_queue(queue, 0, batch.baseAddress, batch.count)
    for index in 0..<max(0, taken) { rd_kafka_message_destroy(batch[index]) }
    switch mailbox.pending {
    case nil: return
    case .assigned: try? assign([])
    case .revoked(let partitions), .lost(let partitions): try? unassign(partitions)
    }
  }

  // MARK: Records

  public func poll(
    maxRecords: Int, timeout: Duration, _ body: (borrowing RecordView) -> Bool
  ) throws(LogError) -> PollResult {
    try throwDeferred()
    var result = PollResult()
    var wait = timeout.milliseconds
    var wanted = 1
    while result.records < maxRecords {
      let room = min(wanted, maxRecords - result.records)
      let taken = rd_kafka_consume_batch_queue(queue, wait, batch.baseAddress, room)
      guard taken >= 0 else { throw LogError(rd_kafka_last_error(), "consuming") }
      let goesOn = deliver(taken, to: &result, body)
      if nudge.isDue { nudge.wakeFetchers(of: assigned, client) }
      if !goesOn || taken < room || mailbox.pending != nil { break }
      (wait, wanted) = (0, Self.batchSize)
    }
    result.rebalance = mailbox.pending
    if result.records == 0, result.rebalance == nil, result.ends.isEmpty {
      try throwDeferred()
    }
    return result
  }

  /// Hands out and frees the batch; false once the body has had enough.
  private func deliver(
    _ count: Int, to result: inout PollResult, _ body: (borrowing RecordView) -> Bool
  ) -> Bool {
    var goesOn = true
    for index in 0..<count {
      guard let message = batch[index] else { continue }
      defer { rd_kafka_message_destroy(message) }
      guard message.pointee.err == RD_KAFKA_RESP_ERR_NO_ERROR else {
        handle(message, &result)
        continue
      }
      guard goesOn, let topic = accept(message) else { continue }
      result.records += 1
      goesOn = hand(message, topic, to: body)
    }
    return goesOn
  }

  /// The record's topic, after moving its partition's position past it; nil for a record that
  /// must not be delivered.
  private func accept(_ message: UnsafeMutablePointer<rd_kafka_message_t>) -> Int? {
    guard let topic = topicHandles.firstIndex(of: message.pointee.rkt) else { return nil }
    let partition = Int(message.pointee.partition)
    guard partition < positions[topic].count else { return nil }
    nudge.count(bytes: message.pointee.len + message.pointee.key_len)
    let offset = message.pointee.offset
    let position = positions[topic][partition]
    guard offset >= position else {
      if position != Self.unassigned {
        logger.warning(
          "record delivered twice, dropped",
          metadata: [
            "partition": "\(topics[topic])[\(partition)]", "offset": "\(offset)",
            "expected": "\(position)",
          ])
      }
      return nil
    }
    positions[topic][partition] = offset + 1
    return topic
  }

  private func hand(
    _ message: UnsafeMutablePointer<rd_kafka_message_t>, _ topic: Int,
    to body: (borrowing RecordView) -> Bool
  ) -> Bool {
    let record = message.pointee
    let start = record.key
    let payload = record.payload
    return body(
      RecordView(
        topic: topic, partition: record.partition, offset: record.offset,
        timestamp: rd_kafka_message_timestamp(message, nil),
        key: borrowed(start, record.key_len), value: borrowed(payload, record.len),
        headers: .init(record: UnsafeRawPointer(message), copy: copyHeaders)))
  }

  /// What librdkafka reports in place of a record.
  private func handle(
    _ message: UnsafeMutablePointer<rd_kafka_message_t>, _ result: inout PollResult
  ) {
    let record = message.pointee
    let topic = record.rkt.map { String(cString: rd_kafka_topic_name($0)) } ?? ""
    let partition = TopicPartition(topic, record.partition)
    if record.err == RD_KAFKA_RESP_ERR__PARTITION_EOF {
      result.ends[partition] = record.offset
      reachedEnds[partition] = record.offset
      return
    }
    let text = rd_kafka_message_errstr(message).map { String(cString: $0) } ?? ""
    let error =
      record.err == RD_KAFKA_RESP_ERR__FATAL
      ? client.fatalError ?? LogError(record.err, text, fatal: true)
      : LogError(record.err, topic.isEmpty ? text : "\(partition): \(text)")
    // In both cases librdkafka tries again by itself.
    if error.code == .unavailable {
      logger.info("consumer", metadata: ["reason": "\(error)"])
    } else if error.code == .unknownTopic, isMember,
      !assigned.contains(where: { $0.topic == topic })
    {
      // Told once, until it is found: by one of a join's attempts, a second apart, or where other
      // topics are there, when the metadata is next refreshed.
      logger.warning("a topic is missing, waiting for it", metadata: ["topic": "\(topic)"])
    } else {
      deferredError = deferredError ?? error
    }
  }

  private func throwDeferred() throws(LogError) {
    if let error = deferredError ?? mailbox.authenticationError {
      deferredError = nil
      mailbox.authenticationError = nil
      throw error
    }
  }

  // MARK: Offsets

  public func committed(_ partitions: [TopicPartition]) throws(LogError) -> [TopicPartition: Int64]
  {
    guard !partitions.isEmpty else { return [:] }
    let list = PartitionList(partitions)
    try check(
      rd_kafka_committed(client.handle, list.list, requestTimeout.milliseconds),
      "asking for committed offsets")
    var result: [TopicPartition: Int64] = [:]
    try list.forEach { (partition, offset, code) throws(LogError) in
      try check(code, "committed offset of \(partition)")
      if offset >= 0 { result[partition] = offset }
    }
    return result
  }

  public func offsets(of partition: TopicPartition) throws(LogError) -> Range<Int64> {
    let ranges = try queryOffsets(of: [partition], client: client, timeout: requestTimeout)
    guard let range = ranges[partition] else {
      throw LogError(RD_KAFKA_RESP_ERR__UNKNOWN_PARTITION, "offsets of \(partition)")
    }
    return range
  }

  public func partitionCount(of topic: String) throws(LogError) -> Int32 {
    let metadata = try Metadata(client, timeout: requestTimeout, scope: .topic(topic))
    return try metadata.partitionCount(of: topic)
  }

  public func endHint(of partition: TopicPartition) -> Int64? {
    var (low, high): (Int64, Int64) = (-1, -1)
    let code = rd_kafka_get_watermark_offsets(
      client.handle, partition.topic, partition.partition, &low, &high)
    guard code == RD_KAFKA_RESP_ERR_NO_ERROR, high >= 0 else { return nil }
    // At the end, what separates the position from it are transaction markers, or records of a
    // transaction that is still open.
    let position = position(of: partition)
    if let end = reachedEnds[partition], position >= 0, position <= end { return position }
    return high
  }

  public func owners(of partitions: [TopicPartition]) throws(LogError) -> [TopicPartition: String] {
    guard let group else { return [:] }
    let admin = KafkaAdmin(of: client, timeout: requestTimeout)
    return try admin.owners(group: group, of: partitions)
  }

  public func commit(_ offsets: [TopicPartition: Int64], wait: Bool) throws(LogError) {
    try commit(PartitionList(offsets, owner: instanceID), wait: wait)
  }

  public func disown(_ offsets: [TopicPartition: Int64]) throws(LogError) {
    try commit(PartitionList(offsets), wait: true)
  }

  private func commit(_ list: borrowing PartitionList, wait: Bool) throws(LogError) {
    guard list.count > 0 else { return }
    // What goes wrong with one partition only is the result too; the list is copied.
    try check(rd_kafka_commit(client.handle, list.list, wait ? 0 : 1), "committing offsets")
  }
}

/// Memory of a message as a span, valid until the message is destroyed; null is nil.
@_lifetime(borrow start)
private func borrowed(_ start: borrowing UnsafeMutableRawPointer?, _ count: Int) -> RawSpan? {
  guard let pointer = copy start else { return nil }
  return _overrideLifetime(
    RawSpan(_unsafeStart: pointer, byteCount: count), borrowing: start)
}
