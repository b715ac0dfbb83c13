import CRdkafka
public import EventLog
import Logging

/// A librdkafka consumer, used by one thread.
///
/// It takes records in batches and trusts its own positions only (`Assignment`): it drops records
/// below them, and `Mend.skippedRecords` says why it seeks to them after each rebalance.
@safe public final class KafkaConsumer: LogConsumer {
  let client: KafkaClient
  let mailbox: RebalanceMailbox
  let topics: [String]
  let requestTimeout: Duration
  let logger: Logger
  /// The member's name, stored with the offsets it commits.
  let instanceID: String?
  private let group: String?
  let isMember: Bool
  private let topicHandles: [OpaquePointer]
  private let queue: OpaquePointer
  private let batch: UnsafeMutableBufferPointer<UnsafeMutablePointer<rd_kafka_message_t>?>
  var assignment: Assignment
  /// The part of the batch that is handed out next.
  private var run = RunCollector()
  /// Where each partition's end was when it was last reached.
  private var reachedEnds: [TopicPartition: Int64] = [:]
  private var nudge: FetchNudge
  private var deferredError: LogError?
  private var isClosed = false

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
    assignment = Assignment(topics: topics)
    nudge = FetchNudge(configuration)
    // Everything the client reports or asks arrives on this one queue.
    unsafe rd_kafka_poll_set_consumer(client.handle)
    unsafe queue = rd_kafka_queue_get_consumer(client.handle)
    unsafe mailbox.queue = queue
    unsafe batch = .allocate(capacity: Self.batchSize)
    unsafe batch.initialize(repeating: nil)
    // Held for the life of the client, so that a pointer identifies a topic.
    var handles: [OpaquePointer] = unsafe []
    var failure: LogError?
    do throws(LogError) {
      for topic in topics { unsafe handles.append(try client.makeTopic(topic)) }
      if configuration.isMember { try Self.subscribe(client, to: topics) }
    } catch {
      failure = error
    }
    unsafe topicHandles = handles
    if let failure {
      throw failure
    }
  }

  deinit {
    shutDown(requestTimeout)
    unsafe topicHandles.forEach { unsafe rd_kafka_topic_destroy($0) }
    unsafe mailbox.queue = nil
    unsafe rd_kafka_queue_destroy(queue)
    unsafe batch.deallocate()
  }

  private static func subscribe(_ client: KafkaClient, to topics: [String]) throws(LogError) {
    let list = PartitionList(topics.map { TopicPartition($0, -1) })
    try unsafe check(rd_kafka_subscribe(client.handle, list.list), "subscribing")
  }

  public func close(leaving: Bool) {
    // A static member leaves only by unsubscribing.
    if leaving, isMember, instanceID != nil, !isClosed {
      unsafe rd_kafka_unsubscribe(client.handle)
    }
    let stays = isMember && instanceID != nil && !leaving
    shutDown(stays ? min(Self.stayingPatience, requestTimeout) : requestTimeout)
  }

  /// How long a static member that stays in its group takes to close: it asks the broker nothing.
  private static let stayingPatience = Duration.seconds(3)

  /// Leaves the group, or gives up: the session's timeout then ends the membership. The deadline is
  /// no mend: in every version a close waits for a broker that is away. It also ends the wait of a
  /// consumer that hangs because it got an assignment while it closed, as up to librdkafka 2.3
  /// (https://github.com/confluentinc/librdkafka/pull/4528).
  private func shutDown(_ patience: Duration) {
    guard !isClosed else { return }
    isClosed = true
    defer {
      noticeRebalance()
      client.outlivesOwner =
        Mend.mustLeak(isMember: isMember, hasBeenAssigned: assignment.hasBeenAssigned)
    }
    answerPendingForClose()
    guard let closing = unsafe rd_kafka_queue_new(client.handle) else { return }
    defer { unsafe rd_kafka_queue_destroy(closing) }
    if let error = unsafe ClientError(rd_kafka_consumer_close_queue(client.handle, closing)) {
      logger.debug("consumer not closed", metadata: ["reason": "\(error.logError)"])
      return
    }
    // Drains the queue: records nobody wants, and one revocation. A second answer could come after
    // the client has left the group, and would wait forever.
    var isAnswered = false
    let deadline = ContinuousClock.now + patience
    while unsafe rd_kafka_consumer_closed(client.handle) == 0, ContinuousClock.now < deadline {
      guard let event = unsafe rd_kafka_queue_poll(closing, 20) else { continue }
      if unsafe rd_kafka_event_type(event) == RD_KAFKA_EVENT_REBALANCE, !isAnswered {
        isAnswered = true
        // A closing client takes any assignment as giving everything back.
        unsafe rd_kafka_assign(client.handle, nil)
      }
      unsafe rd_kafka_event_destroy(event)
    }
  }

  /// Answers a pending rebalance, which would keep the client of any version from closing: the
  /// protocol waits for the caller's answer. If that fails, the close's deadline ends the wait.
  private func answerPendingForClose() {
    // One still in the queue comes out first.
    let taken = unsafe rd_kafka_consume_batch_queue(queue, 0, batch.baseAddress, batch.count)
    for index in 0..<max(0, taken) { unsafe rd_kafka_message_destroy(batch[index]) }
    noticeRebalance()
    switch assignment.pending {
    case nil: return
    case .assigned: try? assign([])
    case .revoked(let partitions), .lost(let partitions): try? unassign(partitions)
    }
  }

  // MARK: Records

  public func pollRuns(
    maxRecords: Int, timeout: Duration, _ body: (borrowing RecordRun) -> Bool
  ) throws(LogError) -> PollResult {
    try throwDeferred()
    try throwIfTopicsAreGone()
    var result = PollResult()
    var wait = timeout.milliseconds
    var wanted = 1
    while result.records < maxRecords {
      let room = min(wanted, maxRecords - result.records)
      let taken = unsafe rd_kafka_consume_batch_queue(queue, wait, batch.baseAddress, room)
      guard taken >= 0 else { throw LogError(rd_kafka_last_error(), "consuming") }
      let goesOn = deliver(taken, to: &result, body)
      noticeRebalance()
      if nudge.isDue { nudge.wakeFetchers(of: assignment.assigned, client) }
      if !goesOn || taken < room || assignment.pending != nil { break }
      (wait, wanted) = (0, Self.batchSize)
    }
    result.rebalance = assignment.pending
    if result.records == 0, result.rebalance == nil, result.ends.isEmpty {
      try throwDeferred()
    }
    return result
  }

  private func noticeRebalance() {
    if let change = mailbox.takeNote() { assignment.rebalanced(change) }
  }

  /// Hands out and frees the batch; false once the body stops.
  private func deliver(
    _ count: Int, to result: inout PollResult, _ body: (borrowing RecordRun) -> Bool
  ) -> Bool {
    var goesOn = true
    var freed = 0
    for index in 0..<count {
      guard let message = unsafe batch[index] else { continue }
      if unsafe !run.takes(message) {
        goesOn = handRun(to: &result, body)
        free(freed..<index)
        freed = index
      }
      guard unsafe message.pointee.err == RD_KAFKA_RESP_ERR_NO_ERROR else {
        unsafe handle(message, &result)
        continue
      }
      if goesOn, let topic = unsafe accept(message) { unsafe run.append(message, topic: topic) }
    }
    if goesOn { goesOn = handRun(to: &result, body) }
    free(freed..<count)
    return goesOn
  }

  private func handRun(to result: inout PollResult, _ body: (borrowing RecordRun) -> Bool) -> Bool {
    guard run.count > 0 else { return true }
    result.records += run.count
    return run.hand(to: body)
  }

  private func free(_ range: Range<Int>) {
    for index in range {
      if let message = unsafe batch[index] { unsafe rd_kafka_message_destroy(message) }
    }
  }

  /// The record's topic, after moving its partition's position past it; nil for a record not to be
  /// delivered.
  private func accept(_ message: UnsafeMutablePointer<rd_kafka_message_t>) -> Int? {
    guard let topic = unsafe topicHandles.firstIndex(of: message.pointee.rkt) else { return nil }
    let record = unsafe message.pointee
    unsafe nudge.count(bytes: record.len + record.key_len)
    let admission = unsafe assignment.admit(
      topic: topic, partition: Int(record.partition), offset: record.offset)
    switch admission {
    case .deliver: return topic
    case .unassigned: return nil
    case .repeated(let expected):
      logger.warning(
        "record delivered twice, dropped",
        metadata: [
          "partition": unsafe "\(topics[topic])[\(record.partition)]",
          "offset": unsafe "\(record.offset)",
          "expected": "\(expected)",
        ])
      return nil
    }
  }

  /// Handles what librdkafka reports in place of a record.
  private func handle(
    _ message: UnsafeMutablePointer<rd_kafka_message_t>, _ result: inout PollResult
  ) {
    let record = unsafe message.pointee
    let topic = unsafe record.rkt.map { unsafe String(cString: rd_kafka_topic_name($0)) } ?? ""
    let partition = unsafe TopicPartition(topic, record.partition)
    if unsafe record.err == RD_KAFKA_RESP_ERR__PARTITION_EOF {
      result.ends[partition] = unsafe record.offset
      reachedEnds[partition] = unsafe record.offset
      return
    }
    // The client looks for the coordinator of the group that it has in name only.
    if group == nil, unsafe record.err == RD_KAFKA_RESP_ERR_GROUP_AUTHORIZATION_FAILED { return }
    let text = unsafe rd_kafka_message_errstr(message).map { unsafe String(cString: $0) } ?? ""
    let error =
      unsafe record.err == RD_KAFKA_RESP_ERR__FATAL
      ? client.fatalError ?? LogError(record.err, text, fatal: true)
      : client.access.explain(
        LogError(record.err, topic.isEmpty ? text : "\(partition): \(text)"), record.err,
        topics: [AccessRight(["Read", "Describe"], on: .topic(topic))])
    // librdkafka itself tries again in the first two cases.
    if error.code == .unavailable {
      logger.info("consumer error, librdkafka retries", metadata: ["reason": "\(error)"])
    } else if error.code == .unknownTopic, isMember,
      !assignment.assigned.contains(where: { $0.topic == topic })
    {
      // librdkafka reports it once, and finds the topic with its next attempt to join, a second
      // later, or with the next metadata refresh if the group has other topics.
      logger.warning("topic is missing, waiting for it", metadata: ["topic": "\(topic)"])
    } else {
      deferredError = deferredError ?? error
    }
  }

  /// A topic that is deleted has other records under the same offsets when it is made again, so its
  /// partitions are to be opened again. librdkafka would read on. No state depends on what one that
  /// is no member reads.
  private func throwIfTopicsAreGone() throws(LogError) {
    guard let topic = mailbox.takeShrunkenTopics().intersection(topics).min(), isMember else {
      return
    }
    throw LogError(
      .unknownTopic,
      "the topic \(topic) was deleted, lost partitions, or may not be described any more",
      reaction: .abandonPartition)
  }

  private func throwDeferred() throws(LogError) {
    if let error = deferredError ?? mailbox.authenticationError {
      deferredError = nil
      mailbox.authenticationError = nil
      throw error
    }
  }

  // MARK: Offsets

  public func commits(of partitions: [TopicPartition]) throws(LogError)
    -> [TopicPartition: GroupOffset]
  {
    guard !partitions.isEmpty else { return [:] }
    let list = PartitionList(partitions)
    let code =
      isMember
      ? unsafe rd_kafka_committed(client.handle, list.list, requestTimeout.milliseconds)
      : try askAsBystander(list)
    guard code == RD_KAFKA_RESP_ERR_NO_ERROR else {
      throw client.access.explain(LogError(code, "asking for committed offsets"), code)
    }
    let stamps = list.stamps
    var result: [TopicPartition: GroupOffset] = [:]
    try list.forEach { (partition, offset, code) throws(LogError) in
      try check(code, "committed offset of \(partition)")
      if offset >= 0 { result[partition] = GroupOffset(offset, stamps[partition]) }
    }
    return result
  }

  public func clusterID() throws(LogError) -> String {
    try KafkaAdmin(of: client, timeout: requestTimeout).clusterID()
  }

  public func groupMembers() throws(LogError) -> [String] {
    guard let group else { return [] }
    return try KafkaAdmin(of: client, timeout: requestTimeout).clientIDs(inGroup: group)
  }

  public func offsets(of partition: TopicPartition) throws(LogError) -> Range<Int64> {
    let ranges = try queryOffsets(of: [partition], client: client, timeout: requestTimeout)
    guard let range = ranges[partition] else {
      throw LogError(RD_KAFKA_RESP_ERR__UNKNOWN_PARTITION, "offsets of \(partition)")
    }
    return range
  }

  public func offset(of partition: TopicPartition, at timestamp: Int64) throws(LogError) -> Int64? {
    precondition(timestamp >= 0, "negative timestamps have special meanings")
    return try lookUp(
      [partition], timestamp: timestamp, client: client, timeout: requestTimeout)[partition]
  }

  public func partitionCount(of topic: String) throws(LogError) -> Int32 {
    let metadata = try Metadata(client, timeout: requestTimeout, scope: .topic(topic))
    return try metadata.partitionCount(of: topic)
  }

  public func endHint(of partition: TopicPartition) -> Int64? {
    var (low, high): (Int64, Int64) = (-1, -1)
    let code = unsafe rd_kafka_get_watermark_offsets(
      client.handle, partition.topic, partition.partition, &low, &high)
    guard code == RD_KAFKA_RESP_ERR_NO_ERROR, high >= 0 else { return nil }
    // Between the position and a reached end there are only transaction markers, and records of
    // transactions that are still open.
    if let end = reachedEnds[partition], let position = assignment.position(of: partition),
      position >= 0, position <= end
    {
      return position
    }
    return high
  }

  public func owners(of partitions: [TopicPartition]) throws(LogError) -> [TopicPartition: String] {
    guard let group else { return [:] }
    let inquirer = try Self.bystander(
      ofGroup: group, settings: client.access.settings, logger: logger)
    defer { inquirer.close() }
    return try inquirer.commits(of: partitions).compactMapValues { commit in
      if case .owned(let name)? = commit.stamp { name } else { nil }
    }
  }

  public func commit(_ offsets: [TopicPartition: Int64], wait: Bool) throws(LogError) {
    try commit(PartitionList(offsets, stamp: instanceID.map { .owned(by: $0) }), wait: wait)
  }

  public func disown(_ offsets: [TopicPartition: Int64]) throws(LogError) {
    try commit(PartitionList(offsets, stamp: instanceID.map { .released(by: $0) }), wait: true)
  }

  func commit(_ list: borrowing PartitionList, wait: Bool) throws(LogError) {
    guard list.count > 0 else { return }
    // The result covers failures of single partitions too. The list is copied: it holds none.
    guard wait else {
      return try unsafe check(rd_kafka_commit(client.handle, list.list, 1), "committing offsets")
    }
    // With its own wait, librdkafka waits for ever for a member that was replaced meanwhile.
    guard let replies = unsafe rd_kafka_queue_new(client.handle) else { return }
    defer { unsafe rd_kafka_queue_destroy(replies) }
    try unsafe check(
      rd_kafka_commit_queue(client.handle, list.list, replies, nil, nil), "committing offsets")
    guard let event = unsafe rd_kafka_queue_poll(replies, requestTimeout.milliseconds) else {
      throw client.fatalError ?? groupRefusal()
        ?? LogError(RD_KAFKA_RESP_ERR__TIMED_OUT, "committing offsets")
    }
    defer { unsafe rd_kafka_event_destroy(event) }
    let code = unsafe rd_kafka_event_error(event)
    if code == RD_KAFKA_RESP_ERR__FATAL, let fatal = client.fatalError { throw fatal }
    guard code == RD_KAFKA_RESP_ERR_NO_ERROR else {
      throw client.access.explain(LogError(code, "committing offsets"), code)
    }
  }
}
