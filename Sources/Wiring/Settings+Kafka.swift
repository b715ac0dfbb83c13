package import Configuration
package import EventLog
package import KafkaLog
package import Logging

extension Settings {
  /// The configured cluster as the event log. librdkafka's own log goes to the logger.
  func makeLog(_ logger: Logger) -> KafkaLog {
    KafkaLog(settings: kafkaSettings, logger: logger)
  }

  /// The log for who writes a model or a claim. Readers see nothing behind an open transaction, so
  /// one that dies in the middle must not keep the next waiting for long.
  package func makeShortTransactionLog(_ logger: Logger) -> KafkaLog {
    var kafka = kafkaSettings
    kafka.transactionTimeout = .seconds(10)
    return KafkaLog(settings: kafka, logger: logger)
  }

  /// A client for a command that asks the cluster once and tells the user what went wrong itself:
  /// librdkafka's own complaints are left out unless the log is to be detailed.
  package func makeAdmin(_ logger: Logger) throws(LogError) -> KafkaAdmin {
    var kafka = kafkaSettings
    kafka.requestTimeout = .seconds(5)
    var logger = logger
    if logger.logLevel >= .info { logger.logLevel = .critical }
    return try KafkaLog(settings: kafka, logger: logger).makeAdmin()
  }
}
