import Configuration
import Console
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
    let admin = try settings.makeAdmin(logger)
    try settings.requireTopics(topics.map { DataTopic.declarations[$0.rawValue] }, admin)
    if try admin.cluster().isEmbedded {
      StandardStream.error.write(
        "the embedded broker keeps the newest 5 MiB of each partition, some 80,000 ratings in all: of"
          + " more, `train` and `state verify` miss the first ones\n")
    }
    let log = KafkaLog(settings: settings.kafkaSettings, logger: logger)
    return try LogDestination(log, settings.topology, topics: topics)
  }
}
