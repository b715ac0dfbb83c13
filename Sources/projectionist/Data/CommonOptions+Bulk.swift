import Configuration
import KafkaLog
import Wiring

extension CommonOptions {
  /// The configured cluster, tuned for many small records in a row unless the user tunes it.
  func bulkLog(_ label: String) throws -> KafkaLog {
    var (settings, logger) = try start(label)
    settings.kafka["linger.ms"] = settings.kafka["linger.ms"] ?? "5"
    return KafkaLog(settings: settings.kafkaSettings, logger: logger)
  }
}
