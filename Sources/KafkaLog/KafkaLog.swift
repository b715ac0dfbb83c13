public import EventLog
public import Logging

/// Apache Kafka, or anything that speaks its protocol, as the event log.
///
/// Consumers, producers and admins are clients of their own, with threads and connections of
/// their own; each belongs to the thread that uses it.
public struct KafkaLog: EventLog {
  public let settings: KafkaSettings
  private let logger: Logger

  /// - Parameter logger: gets librdkafka's own log, from librdkafka's threads.
  public init(settings: KafkaSettings, logger: Logger) {
    self.settings = settings
    self.logger = logger
  }

  /// Connects in the background: an unreachable broker is no error here.
  public func makeConsumer(_ configuration: ConsumerConfiguration) throws(LogError)
    -> KafkaConsumer
  {
    try KafkaConsumer(configuration, settings: settings, logger: logger)
  }

  /// A transactional producer fences its predecessors before this returns, and throws
  /// `.unavailable` if the broker can't be asked.
  public func makeProducer(_ configuration: ProducerConfiguration) throws(LogError)
    -> KafkaProducer
  {
    try KafkaProducer(configuration, settings: settings, logger: logger)
  }

  public func fence(transactionalID: String) throws(LogError) {
    try KafkaProducer.fence(transactionalID, settings: settings, logger: logger)
  }

  /// A client for questions about topics, offsets and groups.
  public func makeAdmin(clientID: String = "projectionist-admin") throws(LogError) -> KafkaAdmin {
    try KafkaAdmin(settings: settings, clientID: clientID, logger: logger)
  }
}
