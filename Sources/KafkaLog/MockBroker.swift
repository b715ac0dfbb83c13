import CRdkafka
public import EventLog
public import Logging

/// librdkafka's mock cluster: Kafka brokers inside this process, on loopback ports.
///
/// For a first look and for tests. It keeps a few megabytes per partition in memory, drops the
/// oldest records beyond that, and everything when it closes. It doesn't abort, compact or answer
/// admin requests; make topics with `createTopic`.
@safe public final class MockBroker {
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
    guard let cluster = unsafe rd_kafka_mock_cluster_new(client.handle, Int32(brokers)) else {
      throw LogError(.other, "the mock cluster can't be started", reaction: .stopDaemon)
    }
    unsafe self.cluster = cluster
    bootstrapServers = unsafe String(cString: rd_kafka_mock_cluster_bootstraps(cluster))
  }

  deinit { unsafe rd_kafka_mock_cluster_destroy(cluster) }

  /// Creates a topic. An existing one is an error.
  public func createTopic(_ name: String, partitions: Int32) throws(LogError) {
    try unsafe check(
      rd_kafka_mock_topic_create(cluster, name, partitions, 1), "topic \"\(name)\"")
  }

  /// Makes the broker unreachable, or reachable again.
  public func setReachable(_ reachable: Bool, broker: Int32 = 1) throws(LogError) {
    let code =
      unsafe reachable
      ? rd_kafka_mock_broker_set_up(cluster, broker)
      : rd_kafka_mock_broker_set_down(cluster, broker)
    try check(code, "broker \(broker)")
  }
}
