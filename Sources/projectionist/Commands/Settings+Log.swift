import KafkaLog
import Logging

extension Settings {
  /// The configured cluster as the event log. librdkafka's own log goes to the logger.
  func makeLog(_ logger: Logger) -> KafkaLog {
    KafkaLog(settings: kafkaSettings, logger: logger)
  }
}
