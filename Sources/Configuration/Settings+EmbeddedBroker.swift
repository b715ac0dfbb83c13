import Streams

extension Settings {
  /// The settings with which stages run on librdkafka's embedded broker.
  ///
  /// It keeps no offsets that are sent in a transaction (`rd_kafka_mock_handle_TxnOffsetCommit` of
  /// librdkafka 2.0), so lag could not be seen: the stages use none. A new record does not wake a
  /// fetch that waits there, so a fetch waits only shortly unless the configuration says how long.
  package func adaptedToEmbeddedBroker() -> Settings {
    var adapted = self
    adapted.processing.guarantee = .atLeastOnce
    adapted.kafka["fetch.wait.max.ms"] = kafka["fetch.wait.max.ms"] ?? "10"
    return adapted
  }
}
