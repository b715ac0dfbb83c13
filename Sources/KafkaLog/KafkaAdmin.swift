import CRdkafka
public import EventLog
import Logging

/// Questions to a cluster, and the making of topics. Calls block, up to the request timeout each.
public final class KafkaAdmin {
  let client: KafkaClient
  let queue: OpaquePointer
  let timeout: Duration

  /// Connects in the background; `cluster()` tells whether anything answers.
  init(settings: KafkaSettings, clientID: String, logger: Logger) throws(LogError) {
    timeout = settings.requestTimeout
    // A consumer, because only that has an isolation level and so sees last stable offsets.
    client = try KafkaClient(
      RD_KAFKA_CONSUMER, properties: settings.adminProperties(clientID: clientID),
      settings: settings, context: ClientContext(logger: logger))
    queue = rd_kafka_queue_new(client.handle)
  }

  /// Asks by a client that is there already.
  init(of client: KafkaClient, timeout: Duration) {
    self.client = client
    self.timeout = timeout
    queue = rd_kafka_queue_new(client.handle)
  }

  deinit { rd_kafka_queue_destroy(queue) }

  // MARK: Cluster

  /// What answers at the bootstrap servers.
  public struct Cluster: Hashable, Sendable {
    public var id: String
    /// `host:port` of each broker.
    public var brokers: [String]
  }

  /// Asks the cluster who it is; throws `.unavailable` or `.denied` when nothing answers.
  public func cluster() throws(LogError) -> Cluster {
    let metadata = try Metadata(client, timeout: timeout, scope: .brokers)
    guard let text = rd_kafka_clusterid(client.handle, timeout.milliseconds) else {
      throw LogError(RD_KAFKA_RESP_ERR__TIMED_OUT, "asking for the cluster's id")
    }
    defer { rd_kafka_mem_free(client.handle, text) }
    return Cluster(id: String(cString: text), brokers: metadata.brokers)
  }

  /// Every topic's number of partitions, internal topics (`__consumer_offsets`) included.
  public func topics() throws(LogError) -> [String: Int32] {
    try Metadata(client, timeout: timeout, scope: .everything).partitionCounts
  }

  // MARK: Offsets

  /// Of each partition the first offset kept and the last stable offset.
  public func offsets(of partitions: [TopicPartition]) throws(LogError)
    -> [TopicPartition: Range<Int64>]
  {
    try queryOffsets(of: partitions, client: client, timeout: timeout)
  }

  /// Of each partition the offset of the first record at or after a time; partitions without one
  /// are absent.
  ///
  /// - Parameter timestamp: milliseconds since 1970, not negative.
  public func offsets(of partitions: [TopicPartition], at timestamp: Int64) throws(LogError)
    -> [TopicPartition: Int64]
  {
    precondition(timestamp >= 0, "negative timestamps have a meaning of their own")
    return try lookUp(partitions, timestamp: timestamp, client: client, timeout: timeout)
  }
}
