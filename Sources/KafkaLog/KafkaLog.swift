public import EventLog
public import Logging

/// Apache Kafka, or anything that speaks its protocol, as the event log.
///
/// Each consumer, producer and admin is a client with its own threads and connections, and belongs
/// to the thread that uses it.
public struct KafkaLog: EventLog {
  public let settings: KafkaSettings
  private let logger: Logger
  /// For trials whose failures are reported by whoever asks for them.
  var quietLogger: Logger {
    var logger = logger
    if logger.logLevel >= .info { logger.logLevel = .critical }
    return logger
  }

  /// - Parameter logger: also gets librdkafka's log, from librdkafka's threads.
  public init(settings: KafkaSettings, logger: Logger) {
    self.settings = settings
    self.logger = logger
  }

  /// Connects in the background: an unreachable broker is not an error here.
  public func makeConsumer(_ configuration: ConsumerConfiguration) throws(LogError)
    -> KafkaConsumer
  {
    try KafkaConsumer(configuration, settings: settings, logger: logger)
  }

  /// For a transactional producer, fences its predecessors before it returns; throws `.unavailable`
  /// if it can't reach the broker.
  public func makeProducer(_ configuration: ProducerConfiguration) throws(LogError)
    -> KafkaProducer
  {
    try KafkaProducer(configuration, settings: settings, logger: logger)
  }

  public func fence(transactionalID: String) throws(LogError) {
    try KafkaProducer.fence(transactionalID, settings: settings, logger: logger)
  }

  /// A client that queries topics, offsets and groups.
  ///
  /// - Parameter readCommitted: whether the end of a partition is where its committed records end.
  public func makeAdmin(clientID: String = "projectionist-admin", readCommitted: Bool = true)
    throws(LogError) -> KafkaAdmin
  {
    try KafkaAdmin(
      settings: settings, clientID: clientID, readCommitted: readCommitted, logger: logger)
  }
}
