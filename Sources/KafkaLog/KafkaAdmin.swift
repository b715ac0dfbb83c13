import CRdkafka
public import EventLog
import Logging

/// Queries a cluster, and creates and deletes topics. Calls block, each up to the request timeout.
@safe public final class KafkaAdmin {
  let client: KafkaClient
  let queue: OpaquePointer
  let timeout: Duration
  /// Finds out what a listener speaks that says nothing.
  private let probe: () -> String?
  private var nextProbe = ContinuousClock.now
  /// How many requests were sent; each is known by its number.
  var requestCount: UInt = 0
  /// Those that ask for and set groups' offsets, by group.
  var groupClients: [String: KafkaConsumer] = [:]

  /// Connects in the background. `cluster()` shows whether a broker answers.
  init(settings: KafkaSettings, clientID: String, readCommitted: Bool, logger: Logger)
    throws(LogError)
  {
    timeout = settings.requestTimeout
    probe = { ListenerProbe.protocolSpoken(settings, logger) }
    // A consumer, because only consumers have an isolation level and so see last stable offsets.
    client = try KafkaClient(
      RD_KAFKA_CONSUMER,
      properties: settings.adminProperties(clientID: clientID, readCommitted: readCommitted),
      settings: settings, context: ClientContext(logger: logger))
    unsafe queue = rd_kafka_queue_new(client.handle)
  }

  /// Asks through an existing client.
  init(of client: KafkaClient, timeout: Duration) {
    self.client = client
    self.timeout = timeout
    probe = { nil }
    unsafe queue = rd_kafka_queue_new(client.handle)
  }

  deinit { unsafe rd_kafka_queue_destroy(queue) }

  // MARK: Cluster

  /// What answers at the bootstrap servers.
  public struct Cluster: Hashable, Sendable {
    public var id: String
    /// `host:port` of each broker.
    public var brokers: [String]
    public var brokerIDs: [Int32]
  }

  /// Asks the cluster, and says why it does not answer.
  func metadata(_ scope: Metadata.Scope) throws(LogError) -> Metadata {
    do throws(LogError) {
      return try Metadata(client, timeout: timeout, scope: scope)
    } catch {
      guard error.code == .unavailable, client.context.trouble?.isGuess == true,
        ContinuousClock.now >= nextProbe
      else { throw error }
      // A broker that is starting may be behind a proxy that closes connections.
      nextProbe = .now + .seconds(10)
      guard let speaks = probe() else { throw error }
      throw client.context.connectionError(RD_KAFKA_RESP_ERR__TRANSPORT, speaks: speaks)
    }
  }

  /// Identifies the cluster. Throws `.unavailable` or `.denied` if no broker answers.
  public func cluster() throws(LogError) -> Cluster {
    let brokers = try metadata(.brokers).brokersByID.sorted { $0.key < $1.key }
    return Cluster(
      id: try clusterID(), brokers: brokers.map(\.value), brokerIDs: brokers.map(\.key))
  }

  func clusterID() throws(LogError) -> String {
    guard let text = unsafe rd_kafka_clusterid(client.handle, timeout.milliseconds) else {
      throw LogError(RD_KAFKA_RESP_ERR__TIMED_OUT, "asking for the cluster's id")
    }
    defer { unsafe rd_kafka_mem_free(client.handle, text) }
    return unsafe String(cString: text)
  }

  /// Every topic's number of partitions, including internal topics (`__consumer_offsets`).
  public func topics() throws(LogError) -> [String: Int32] {
    try metadata(.everything).partitionCounts
  }

  /// How many copies each topic's partitions have at least.
  public func copies() throws(LogError) -> [String: Int] { try metadata(.everything).copies }

  /// How many partitions a topic has. Throws `.denied` for one that this client may not describe,
  /// which `topics` leaves out.
  public func partitionCount(of topic: String) throws(LogError) -> Int32 {
    try metadata(.topic(topic)).partitionCount(of: topic)
  }

  /// Whether there is a topic. Throws `.denied` for one that this client may not describe, which
  /// looks missing in `topics`.
  public func hasTopic(_ topic: String) throws(LogError) -> Bool {
    do throws(LogError) { return try partitionCount(of: topic) > 0 } catch {
      guard error.code == .unknownTopic else { throw error }
      return false
    }
  }

  // MARK: Offsets

  /// Each partition's first offset kept and last stable offset.
  public func offsets(of partitions: [TopicPartition]) throws(LogError)
    -> [TopicPartition: Range<Int64>]
  {
    try queryOffsets(of: partitions, client: client, timeout: timeout)
  }

  /// Where each partition ends for this client.
  public func ends(of partitions: [TopicPartition]) throws(LogError) -> [TopicPartition: Int64] {
    try lookUp(
      partitions, timestamp: Int64(RD_KAFKA_OFFSET_END), client: client, timeout: timeout)
  }

  /// The offset of each partition's first record at or after a time. Partitions without one are
  /// absent.
  ///
  /// - Parameter timestamp: milliseconds since 1970, not negative.
  public func offsets(of partitions: [TopicPartition], at timestamp: Int64) throws(LogError)
    -> [TopicPartition: Int64]
  {
    precondition(timestamp >= 0, "negative timestamps have special meanings")
    return try lookUp(partitions, timestamp: timestamp, client: client, timeout: timeout)
  }
}
