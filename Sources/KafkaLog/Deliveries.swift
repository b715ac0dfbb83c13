import CRdkafka
import EventLog
import Logging

/// The outcome of a producer's deliveries, from the reports that its polling thread receives.
final class Deliveries: ClientContext {
  /// By topic and partition, -1 where nothing tracked was delivered.
  private var offsets: [[Int64]]
  private var firstError: LogError?
  /// Topics that have refused the time of a record.
  private var refusedTimes: Set<String> = []
  /// Topics of a batch's outputs. Other topics were named by requests.
  private let declared: Set<String>
  /// Those others that have denied a record.
  private var denials: [String: LogError] = [:]
  /// What was logged of records lost on their way to other topics: requests set their number.
  private var logged: Set<Loss> = []

  private struct Loss: Hashable {
    var topic: String
    var code: LogError.Code
  }

  init(topics: [String], logger: Logger) {
    offsets = Array(repeating: [], count: topics.count)
    declared = Set(topics)
    super.init(logger: logger)
  }

  /// Whether a delivery has failed that would fail again.
  var areRefused: Bool { firstError?.reaction == .stopDaemon }

  func addTopic() { offsets.append([]) }

  func offset(topic: Int, partition: Int32) -> Int64? {
    guard offsets[topic].indices.contains(Int(partition)) else { return nil }
    let offset = offsets[topic][Int(partition)]
    return offset < 0 ? nil : offset
  }

  /// The failed delivery that caused the others since the last call. Its record is gone: a second
  /// flush would not send it.
  func takeError() -> LogError? {
    defer { firstError = nil }
    return firstError
  }

  /// The topics that have refused the time of a record since the last call.
  func takeRefusedTimes() -> Set<String> {
    defer { refusedTimes.removeAll() }
    return refusedTimes
  }

  /// The error of a topic named by a request that has denied a record since the last call: only the
  /// reports of earlier records say that it can't be written.
  func takeDenial(of topic: String) -> LogError? { denials.removeValue(forKey: topic) }

  override func delivered(_ message: UnsafePointer<rd_kafka_message_t>) {
    let record = unsafe message.pointee
    guard unsafe record.err == RD_KAFKA_RESP_ERR_NO_ERROR else {
      let topic = unsafe record.rkt.map { unsafe String(cString: rd_kafka_topic_name($0)) } ?? ""
      if unsafe record.err == RD_KAFKA_RESP_ERR_INVALID_TIMESTAMP { refusedTimes.insert(topic) }
      let error = unsafe LogError(record.err, "delivery to \(topic)[\(record.partition)]")
      return unsafe failed(
        access?.explain(
          error, record.err, topics: [AccessRight(["Write", "Describe"], on: .topic(topic))])
          ?? error, topic)
    }
    guard let tag = unsafe record._private, unsafe record.partition >= 0 else { return }
    let topic = Int(bitPattern: tag) - 1
    let partition = unsafe Int(record.partition)
    let missing = partition + 1 - offsets[topic].count
    if missing > 0 { offsets[topic].append(contentsOf: repeatElement(-1, count: missing)) }
    offsets[topic][partition] = unsafe max(offsets[topic][partition], record.offset)
  }

  func failed(_ error: LogError, _ topic: String) {
    guard declared.contains(topic) else {
      if error.code == .denied { denials[topic] = error }
      guard logged.insert(Loss(topic: topic, code: error.code)).inserted else { return }
      logger.warning(
        "records to this topic are lost", metadata: ["topic": "\(topic)", "reason": "\(error)"])
      return
    }
    // A refused record fails its transaction, and with it the records queued behind it.
    guard firstError == nil || (error.reaction == .stopDaemon && !areRefused) else { return }
    firstError = error
    if error.reaction == .retry { firstError?.reaction = .abortBatch }
  }
}
