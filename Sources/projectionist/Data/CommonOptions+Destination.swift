import Configuration
import KafkaLog
import SampleData
import Wiring

extension CommonOptions {
  /// The configured cluster's topics, tuned for many small records in a row unless the user tunes
  /// it.
  func bulkDestination(_ label: String, _ topics: [DataTopic]) throws
    -> LogDestination<KafkaProducer>
  {
    var (settings, logger) = try start(label)
    settings.kafka["linger.ms"] = settings.kafka["linger.ms"] ?? "5"
    let log = KafkaLog(settings: settings.kafkaSettings, logger: logger)
    return try LogDestination(log, settings.topology, topics: topics)
  }
}
