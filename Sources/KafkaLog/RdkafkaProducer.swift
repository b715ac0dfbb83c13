import CRdkafka
import EventLog
import Logging

/// One librdkafka producer with its topics and the outcome of its deliveries.
@safe final class RdkafkaProducer {
  let client: KafkaClient
  let deliveries: Deliveries
  private var topicNames: [String]
  /// How many of them are a batch's outputs.
  private let declaredCount: Int
  private var topicHandles: [OpaquePointer]
  /// By topic.
  private var bounds: [TimestampBounds] = []
  private let times: RecordTimes
  private var timesVersion = -1
  private var sendsSincePoll = 0

  /// How long `send` waits for room in the queue.
  private static let queueFullTimeout = Duration.seconds(30)
  private static let reportTimeout = Duration.milliseconds(100)
  /// Delivered records keep their memory until `rd_kafka_poll` has reported them.
  private static let sendsPerPoll = 256

  init(
    topics: [String], properties: [(String, String)], settings: KafkaSettings, logger: Logger
  ) throws(LogError) {
    deliveries = Deliveries(topics: topics, logger: logger)
    client = try KafkaClient(
      RD_KAFKA_PRODUCER, properties: properties, settings: settings, context: deliveries)
    topicNames = topics
    declaredCount = topics.count
    times = settings.recordTimes
    var handles: [OpaquePointer] = unsafe []
    var failure: LogError?
    do throws(LogError) {
      for topic in topics { unsafe handles.append(try client.makeTopic(topic)) }
    } catch {
      failure = error
    }
    unsafe topicHandles = handles
    if let failure { throw failure }
    renewBounds()
  }

  deinit {
    unsafe topicHandles.forEach { unsafe rd_kafka_topic_destroy($0) }
  }

  /// Drops what is queued, so that destroying the client does not wait for it.
  func close() {
    unsafe rd_kafka_purge(client.handle, RD_KAFKA_PURGE_F_QUEUE | RD_KAFKA_PURGE_F_INFLIGHT)
    unsafe rd_kafka_poll(client.handle, 0)
  }

  /// The topic's index; adds it if it was not declared.
  func index(of topic: String) throws(LogError) -> Int {
    if let index = topicNames.firstIndex(of: topic) { return index }
    unsafe topicHandles.append(try client.makeTopic(topic))
    topicNames.append(topic)
    bounds.append(TimestampBounds(times[topic]))
    deliveries.addTopic()
    return topicNames.count - 1
  }

  // MARK: Records

  /// Keeps the bounds of records' times up with the clock and with what is known of the topics.
  func renewBounds() {
    let version = times.version
    if version != timesVersion {
      timesVersion = version
      bounds = topicNames.map { TimestampBounds(times[$0]) }
    }
    let now = wallClockMilliseconds()
    for index in bounds.indices { bounds[index].renew(now) }
  }

  func send(
    topic: Int, partition: Int32?, key: RawSpan?, value: RawSpan?, headers: [RecordHeader],
    timestamp: Int64?, tracked: Bool
  ) throws(LogError) {
    sendsSincePoll += 1
    if sendsSincePoll >= Self.sendsPerPoll {
      sendsSincePoll = 0
      unsafe rd_kafka_poll(client.handle, 0)
      renewBounds()
    }
    if topic >= declaredCount, let denial = deliveries.takeDenial(of: topicNames[topic]) {
      throw denial
    }
    let time = timestamp.map { bounds[topic].clamp($0, now: wallClockMilliseconds) }
    let message = unsafe OutgoingMessage(
      topic: topicHandles[topic], partition: partition ?? RD_KAFKA_PARTITION_UA,
      timestamp: time ?? 0,
      opaque: tracked ? UnsafeMutableRawPointer(bitPattern: topic + 1) : nil)
    var code = try unsafe enqueue(message, key: key, value: value, headers: headers)
    if code == RD_KAFKA_RESP_ERR__QUEUE_FULL {
      let deadline = ContinuousClock.now + Self.queueFullTimeout
      while code == RD_KAFKA_RESP_ERR__QUEUE_FULL, ContinuousClock.now < deadline {
        unsafe rd_kafka_poll(client.handle, 10)
        code = try unsafe enqueue(message, key: key, value: value, headers: headers)
      }
    }
    if code == RD_KAFKA_RESP_ERR__FATAL, let fatal = client.fatalError { throw fatal }
    if code == RD_KAFKA_RESP_ERR__STATE {
      // If a failed delivery is the cause, its report is on its way.
      let deadline = ContinuousClock.now + Self.reportTimeout
      while !deliveries.areRefused, ContinuousClock.now < deadline {
        unsafe rd_kafka_poll(client.handle, 10)
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
    guard !headers.isEmpty else {
      return unsafe enqueue(message, key: key, value: value, native: nil)
    }
    let owned = try OutgoingHeaders(headers)
    let code = unsafe enqueue(message, key: key, value: value, native: owned.headers)
    if code == RD_KAFKA_RESP_ERR_NO_ERROR { owned.relinquish() }
    return code
  }

  private func enqueue(
    _ message: OutgoingMessage, key: RawSpan?, value: RawSpan?, native: OpaquePointer?
  ) -> rd_kafka_resp_err_t {
    unsafe withBytes(key) { keyStart, keyCount in
      unsafe withBytes(value) { valueStart, valueCount in
        unsafe message.produce(
          client.handle, keyStart, keyCount, valueStart, valueCount, headers: native)
      }
    }
  }

  func flush(timeout: Duration) throws(LogError) {
    defer { renewBounds() }
    // A flush wakes every connection's thread; don't for nothing.
    guard unsafe rd_kafka_outq_len(client.handle) > 0 else {
      if let error = deliveries.takeError() { throw error }
      return
    }
    let code = unsafe rd_kafka_flush(client.handle, timeout.milliseconds)
    if let fatal = client.fatalError { throw fatal }
    if let error = deliveries.takeError() { throw error }
    try check(code, "waiting for deliveries")
  }
}
