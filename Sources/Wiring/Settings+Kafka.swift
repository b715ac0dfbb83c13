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
  package func makeShortTransactionLog(
    _ logger: Logger, isStopping: (@Sendable () -> Bool)? = nil,
    whenSlow: (@Sendable () -> Void)? = nil
  ) -> KafkaLog {
    var kafka = kafkaSettings
    kafka.isStopping = isStopping
    kafka.whenSlow = whenSlow
    kafka.transactionTimeout = .seconds(10)
    return KafkaLog(settings: kafka, logger: logger)
  }

  /// A client for a command that asks the cluster once and tells the user what went wrong itself.
  package func makeAdmin(_ logger: Logger) throws(LogError) -> KafkaAdmin {
    try makeQuietLog(logger).makeAdmin()
  }

  /// The log for a daemon's looks at its cluster, which wait for nothing long.
  ///
  /// - Parameter isStopping: whether the process is to stop, and nobody waits for an answer.
  package func makeWatchLog(
    _ logger: Logger, isStopping: (@Sendable () -> Bool)? = nil
  ) -> KafkaLog {
    var kafka = kafkaSettings
    kafka.isStopping = isStopping
    kafka.requestTimeout = .seconds(5)
    // The stages' clients report it.
    kafka.whenUnreachable = { _ in }
    var logger = logger
    if logger.logLevel >= .info { logger.logLevel = .critical }
    return KafkaLog(settings: kafka, logger: logger)
  }

  /// The log for trials of what the daemon will do: with its own settings, and no patience.
  package func makeCheckLog(_ logger: Logger) -> KafkaLog { makeQuietLog(logger) }

  /// The log for a few questions whose failures are reported by whoever asks: librdkafka's own
  /// complaints are left out unless the log is to be detailed.
  package func makeQuietLog(_ logger: Logger) -> KafkaLog {
    var kafka = kafkaSettings
    kafka.requestTimeout = .seconds(5)
    var logger = logger
    if logger.logLevel >= .info { logger.logLevel = .critical }
    return KafkaLog(settings: kafka, logger: logger)
  }
}
