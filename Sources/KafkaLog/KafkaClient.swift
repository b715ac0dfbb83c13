import CRdkafka
import EventLog
import Logging

/// Owns one librdkafka client (`rd_kafka_t`) with its threads.
@safe final class KafkaClient {
  let handle: OpaquePointer
  let context: ClientContext
  /// Whether the client is left, closed, to the end of the process, because destroying it would be
  /// that.
  var outlivesOwner = false

  init(
    _ type: rd_kafka_type_t, properties: [(String, String)], settings: KafkaSettings,
    context: ClientContext
  ) throws(LogError) {
    let configuration = try ClientConfiguration(properties, overrides: settings.properties)
    self.context = context
    context.whenUnreachable = settings.whenUnreachable
    unsafe self.handle = try unsafe configuration.makeClient(type, context: context)
  }

  deinit {
    guard !outlivesOwner else {
      // Its threads go on logging.
      _ = unsafe Unmanaged.passRetained(context)
      return
    }
    // A consumer has left its group by now, or given up trying: waiting again could take for ever.
    unsafe rd_kafka_destroy_flags(handle, RD_KAFKA_DESTROY_F_NO_CONSUMER_CLOSE)
  }

  /// The error after which this client is of no use any more, if there was one.
  var fatalError: LogError? {
    var code = RD_KAFKA_RESP_ERR_NO_ERROR
    let message = unsafe withErrorText { text, size in
      code = unsafe rd_kafka_fatal_error(handle, text, size)
    }
    guard code != RD_KAFKA_RESP_ERR_NO_ERROR else { return nil }
    return LogError(code, message, fatal: true)
  }

  /// A reference-counted topic handle, kept by the caller and given back with
  /// `rd_kafka_topic_destroy` before the client goes.
  func makeTopic(_ name: String) throws(LogError) -> OpaquePointer {
    guard let topic = unsafe rd_kafka_topic_new(handle, name, nil) else {
      throw LogError(rd_kafka_last_error(), "topic \"\(name)\"")
    }
    return unsafe topic
  }
}

/// What librdkafka's callbacks reach through a client's opaque pointer.
///
/// Logging happens on librdkafka's threads; everything else on the thread that serves the client.
class ClientContext {
  let logger: Logger
  /// Set when the broker has refused this client's credentials.
  var authenticationError: LogError?
  fileprivate var whenUnreachable: (@Sendable (String) -> Void)?
  /// What went wrong with one broker last; of all of them librdkafka only says how many there are.
  private var brokerFailure: String?

  init(logger: Logger) {
    self.logger = logger
  }

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
      // librdkafka mends the rest by itself; fatal errors come back from the next call.
      logger.debug("kafka client", metadata: ["reason": "\(reason)"])
    }
  }
}

// librdkafka calls these; each finds its client's context and returns.

/// Complaints that are for nobody or that somebody else makes.
private let beside: Set<String> = [
  // What is meant as it is: one set of pass-through properties serves consumers and producers, and a
  // broker too old to be asked not to create topics (the mock cluster) may.
  "CONFWARN", "AUTOCREATE",
  // Each attempt to connect; the error callback tells when there is no broker left.
  "FAIL", "ERROR",
  // Comes back from the call, or is tried again: a new broker refuses each transactional id a few times.
  "GETPID", "ADDOFFSETS", "TXNERR", "FATAL",
]

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
  let level = beside.contains(facility) ? .debug : Logger.Level(syslog: level)
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
  // Of most deliveries there is nothing to note.
  if unsafe message.pointee.err == RD_KAFKA_RESP_ERR_NO_ERROR,
    unsafe message.pointee._private == nil
  {
    return
  }
  unsafe ClientContext.of(opaque)?.delivered(message)
}

extension Logger.Level {
  /// From the severities of RFC 5424, which librdkafka's log levels are.
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
