import CRdkafka
public import EventLog
public import Logging

/// librdkafka's mock cluster: Kafka brokers inside this process, on loopback ports.
///
/// Good for a first look and for tests. It keeps a few megabytes a partition in memory, forgets
/// the oldest records beyond that and everything when it closes; it aborts nothing, compacts
/// nothing and answers no admin requests, so topics are made with `createTopic`.
public final class MockBroker {
  private let client: KafkaClient
  let cluster: OpaquePointer
  /// `host:port`, several separated by commas.
  public let bootstrapServers: String

  /// Starts `brokers` brokers.
  public init(brokers: Int = 1, logger: Logger) throws(LogError) {
    let settings = KafkaSettings(bootstrapServers: "")
    client = try KafkaClient(
      RD_KAFKA_PRODUCER, properties: [("client.id", "mock-broker")], settings: settings,
      context: ClientContext(logger: logger))
    guard let cluster = rd_kafka_mock_cluster_new(client.handle, Int32(brokers)) else {
      throw LogError(.other, "the mock cluster can't be started", reaction: .stopDaemon)
    }
    self.cluster = cluster
    bootstrapServers = String(cString: rd_kafka_mock_cluster_bootstraps(cluster))
  }

  deinit { rd_kafka_mock_cluster_destroy(cluster) }

  /// Creates a topic; one that exists already is an error.
  public func createTopic(_ name: String, partitions: Int32) throws(LogError) {
    try check(
      rd_kafka_mock_topic_create(cluster, name, partitions, 1), "topic \"\(name)\"")
  }

  /// Makes the broker unreachable, or reachable again.
  public func setReachable(_ reachable: Bool, broker: Int32 = 1) throws(LogError) {
    let code =
      reachable
      ? rd_kafka_mock_broker_set_up(cluster, broker)
      : rd_kafka_mock_broker_set_down(cluster, broker)
    try check(code, "broker \(broker)")
  }
}
