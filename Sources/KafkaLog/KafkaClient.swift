import CRdkafka
import EventLog
import Logging
import Synchronization

/// Owns one librdkafka client (`rd_kafka_t`) with its threads.
@safe final class KafkaClient {
  let handle: OpaquePointer
  let context: ClientContext
  let access: ClientAccess
  /// Whether to leave the closed client undestroyed: see `Mend.mustLeak`.
  var outlivesOwner = false

  init(
    _ type: rd_kafka_type_t, properties: [(String, String)], settings: KafkaSettings,
    context: ClientContext
  ) throws(LogError) {
    let configuration = try ClientConfiguration(properties, overrides: settings.properties)
    self.context = context
    let access = ClientAccess(properties, settings)
    self.access = access
    context.access = access
    context.whenUnreachable = settings.whenUnreachable
    unsafe self.handle = try unsafe configuration.makeClient(type, context: context)
  }

  deinit {
    guard !outlivesOwner else {
      // Its threads keep logging.
      _ = unsafe Unmanaged.passRetained(context)
      return
    }
    unsafe Mend.destroy(handle, context)
  }

  /// The error that made this client unusable, if there was one.
  var fatalError: LogError? {
    var code = RD_KAFKA_RESP_ERR_NO_ERROR
    let message = unsafe withErrorText { text, size in
      code = unsafe rd_kafka_fatal_error(handle, text, size)
    }
    guard code != RD_KAFKA_RESP_ERR_NO_ERROR else { return nil }
    return access.explain(LogError(code, message, fatal: true), code)
  }

  /// A topic handle, which the caller gives to `rd_kafka_topic_destroy` before the client is
  /// destroyed.
  func makeTopic(_ name: String) throws(LogError) -> OpaquePointer {
    guard let topic = unsafe rd_kafka_topic_new(handle, name, nil) else {
      throw LogError(rd_kafka_last_error(), "topic \"\(name)\"")
    }
    return unsafe topic
  }
}

/// The target of librdkafka's callbacks, reached through a client's opaque pointer.
///
/// Log callbacks come from librdkafka's threads, all others from the thread that serves the client.
class ClientContext {
  let logger: Logger
  /// Set once a broker has rejected this client's credentials.
  var authenticationError: LogError?
  /// What the client lacks a right to, when it lacks one.
  fileprivate(set) var access: ClientAccess?
  private let diagnosis = Mutex(ClientDiagnosis())
  fileprivate var whenUnreachable: (@Sendable (String) -> Void)?
  /// The last failure of a single broker. When all are down, librdkafka only says how many there
  /// are.
  private var brokerFailure: String?

  init(logger: Logger) {
    self.logger = logger
  }

  // MARK: Diagnosis

  /// Why the client has no connection, as far as its log says.
  var trouble: ConnectionTrouble? { diagnosis.withLock { $0.trouble } }
  var certificateProblem: String? { diagnosis.withLock { $0.certificate } }
  /// Topics that the client's transaction may not write.
  var unwritableTopics: Set<String> { diagnosis.withLock { $0.unwritable } }
  var registeredTopics: Set<String> { diagnosis.withLock { $0.registered } }
  /// Topics that lost partitions since the last call.
  func takeShrunkenTopics() -> Set<String> { diagnosis.withLock { $0.takeShrunken() } }

  func noteConnection() { diagnosis.withLock { $0.isConnected() } }

  fileprivate func noteLine(_ facility: String, _ line: String) {
    diagnosis.withLock { $0.note(facility: facility, line: line) }
  }

  /// Why no broker has answered.
  ///
  /// - Parameter speaks: what a probe has found the listener to speak.
  func connectionError(_ code: rd_kafka_resp_err_t, speaks: String? = nil) -> LogError {
    if let trouble { return trouble.error(certificate: certificateProblem, speaks: speaks) }
    if let authenticationError { return authenticationError }
    let error = LogError(code, "no Kafka broker answers")
    guard [RD_KAFKA_RESP_ERR__TRANSPORT, RD_KAFKA_RESP_ERR__TIMED_OUT].contains(code) else {
      return error
    }
    return LogError(
      error.code,
      "no Kafka broker answers: no connection is refused, but nothing comes back, as from behind a"
        + " firewall or from a server that is not Kafka", reaction: error.reaction)
  }

  // MARK: Callbacks

  func rebalance(
    _ client: OpaquePointer, _ code: rd_kafka_resp_err_t,
    _ partitions: UnsafeMutablePointer<rd_kafka_topic_partition_list_t>?
  ) {}

  func delivered(_ message: UnsafePointer<rd_kafka_message_t>) {}

  fileprivate static func of(_ opaque: UnsafeMutableRawPointer?) -> ClientContext? {
    guard let opaque = unsafe opaque else { return nil }
    return unsafe Unmanaged<ClientContext>.fromOpaque(opaque).takeUnretainedValue()
  }

  fileprivate func failed(_ code: rd_kafka_resp_err_t, _ reason: String) {
    switch code {
    case RD_KAFKA_RESP_ERR__AUTHENTICATION:
      authenticationError = LogError(code, reason)
    case RD_KAFKA_RESP_ERR__ALL_BROKERS_DOWN:
      let reason = brokerFailure ?? reason
      if let whenUnreachable { return whenUnreachable(reason) }
      logger.warning("no Kafka broker can be reached, waiting", metadata: ["reason": "\(reason)"])
    default:
      brokerFailure = reason
      // librdkafka recovers from the rest; the next call returns a fatal error.
      logger.debug("Kafka client error", metadata: ["reason": "\(reason)"])
    }
  }
}

// The callbacks. Each passes its arguments to its client's context.

/// Facilities of librdkafka whose messages are of no use, or repeat what is reported elsewhere.
private let quietFacilities: Set<String> = [
  // Intended: consumers and producers get the same pass-through properties, and a broker too old to
  // be asked not to create topics (the mock cluster) may create them.
  "CONFWARN", "AUTOCREATE",
  // Every failed connection. The error callback reports that all brokers are down.
  "FAIL", "ERROR", "SSLCERTVRFY",
  // Returned by the call too, or retried: a new broker rejects each transactional id a few times.
  "GETPID", "ADDOFFSETS", "TXNERR", "FATAL", "ADDPARTS",
  // Returned by a commit that waits. One that does not is made up for by the next one; while a
  // stranger is in the group of a stage that has no members, every batch would bring a line.
  "COMMITFAIL",
]

/// Leaves OpenSSL's verdict as it is, and gives its reason to the log: `CertificateProblem`.
func certificateCallback(
  _ client: OpaquePointer?, _ broker: UnsafePointer<CChar>?, _ brokerID: Int32,
  _ error: UnsafeMutablePointer<Int32>?, _ depth: Int32, _ certificate: UnsafePointer<CChar>?,
  _ size: Int, _ text: UnsafeMutablePointer<CChar>?, _ textSize: Int,
  _ opaque: UnsafeMutableRawPointer?
) -> Int32 {
  guard let error = unsafe error, let text = unsafe text, textSize > 0 else { return 0 }
  guard let reason = unsafe CertificateProblem.reason(ofError: error.pointee) else { return 1 }
  for (index, byte) in (Array(reason.utf8.prefix(textSize - 1)) + [0]).enumerated() {
    unsafe text[index] = CChar(bitPattern: byte)
  }
  return 0
}

func logCallback(
  _ client: OpaquePointer?, _ level: Int32, _ facility: UnsafePointer<CChar>?,
  _ text: UnsafePointer<CChar>?
) {
  guard let client = unsafe client, let text = unsafe text,
    let context = unsafe ClientContext.of(rd_kafka_opaque(client))
  else {
    return
  }
  let facility = unsafe facility.map { unsafe String(cString: $0) } ?? ""
  if ClientDiagnosis.facilities.contains(facility) {
    unsafe context.noteLine(facility, String(cString: text))
  }
  let level = quietFacilities.contains(facility) ? .debug : Logger.Level(syslog: level)
  context.logger.log(
    level: level, unsafe "\(String(cString: text))",
    metadata: ["facility": "\(facility)"], source: "librdkafka")
}

func errorCallback(
  _ client: OpaquePointer?, _ code: Int32, _ reason: UnsafePointer<CChar>?,
  _ opaque: UnsafeMutableRawPointer?
) {
  let reason = unsafe reason.map { unsafe String(cString: $0) } ?? ""
  unsafe ClientContext.of(opaque)?.failed(rd_kafka_resp_err_t(rawValue: code), reason)
}

func rebalanceCallback(
  _ client: OpaquePointer?, _ code: rd_kafka_resp_err_t,
  _ partitions: UnsafeMutablePointer<rd_kafka_topic_partition_list_t>?,
  _ opaque: UnsafeMutableRawPointer?
) {
  guard let client = unsafe client else { return }
  unsafe ClientContext.of(opaque)?.rebalance(client, code, partitions)
}

func deliveryCallback(
  _ client: OpaquePointer?, _ message: UnsafePointer<rd_kafka_message_t>?,
  _ opaque: UnsafeMutableRawPointer?
) {
  guard let message = unsafe message else { return }
  // Most deliveries need no bookkeeping.
  if unsafe message.pointee.err == RD_KAFKA_RESP_ERR_NO_ERROR,
    unsafe message.pointee._private == nil
  {
    return
  }
  unsafe ClientContext.of(opaque)?.delivered(message)
}

extension Logger.Level {
  /// From librdkafka's log levels, which are the severities of RFC 5424.
  init(syslog severity: Int32) {
    switch severity {
    case ...2: self = .critical
    case 3: self = .error
    case 4: self = .warning
    case 5: self = .notice
    case 6: self = .info
    default: self = .debug
    }
  }
}
