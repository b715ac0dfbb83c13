/// A partitioned event log, as the engine and the stages see it.
///
/// A topic has partitions, a partition has records, and an offset identifies a record. A
/// partition's offsets only rise, with gaps (transaction markers, compaction). In production the
/// log is Apache Kafka (`KafkaLog`); in simulation it is in memory.
///
/// A log makes consumers and producers. Each belongs to the one thread that uses it.
public protocol EventLog: Sendable {
  associatedtype Consumer: LogConsumer
  associatedtype Producer: LogProducer where Producer.Consumer == Consumer

  func makeConsumer(_ configuration: ConsumerConfiguration) throws(LogError) -> Consumer
  func makeProducer(_ configuration: ProducerConfiguration) throws(LogError) -> Producer

  /// Aborts the transaction that a producer with this transactional id has left open, and fences
  /// the producer if it is still alive: no further record of it becomes visible. Waits until that
  /// is done.
  func fence(transactionalID: String) throws(LogError)
}

/// One partition of one topic.
public struct TopicPartition: Hashable, Sendable, CustomStringConvertible {
  public var topic: String
  public var partition: Int32

  public init(_ topic: String, _ partition: Int32) {
    self.topic = topic
    self.partition = partition
  }

  public var description: String { "\(topic)[\(partition)]" }
}

/// How a consumer reads.
public struct ConsumerConfiguration: Sendable {
  /// The topics it reads. `RecordView.topic` is an index into this list.
  public var topics: [String]
  /// The consumer group it joins; `nil` for a reader that is assigned partitions by its caller.
  public var group: String?
  /// Whether the group assigns its partitions (`Rebalance`). If not, its caller does, and it only
  /// keeps its offsets under the group's name.
  public var isMember: Bool
  /// Names the member across restarts. The group keeps the member's partitions while it restarts
  /// (static membership, KIP-345), and its committed offsets carry the name: see
  /// `LogConsumer.owners`. `nil` for an anonymous member.
  public var instanceID: String?
  /// Names the thread in logs and in `client.id`.
  public var clientID: String
  /// Whether records of open and aborted transactions are hidden (`isolation.level`).
  public var readCommitted: Bool
  /// The most bytes in the client's queue (`queued.max.messages.kbytes`).
  public var maxQueuedBytes: Int
  /// How long the broker may hold a fetch that finds too little (`fetch.wait.max.ms`), which also
  /// delays `PollResult.ends`.
  public var fetchWait: Duration
  /// How many bytes are enough to answer a fetch at once (`fetch.min.bytes`).
  public var minFetchBytes: Int

  public init(
    topics: [String], group: String?, isMember: Bool = true, instanceID: String? = nil,
    clientID: String, readCommitted: Bool = true, maxQueuedBytes: Int = 4 << 20,
    fetchWait: Duration = .milliseconds(500), minFetchBytes: Int = 1
  ) {
    self.topics = topics
    self.group = group
    self.isMember = isMember && group != nil
    self.instanceID = group == nil ? nil : instanceID
    self.clientID = clientID
    self.readCommitted = readCommitted
    self.maxQueuedBytes = maxQueuedBytes
    self.fetchWait = fetchWait
    self.minFetchBytes = minFetchBytes
  }
}

/// How a producer writes.
public struct ProducerConfiguration: Sendable {
  public enum Delivery: Sendable, Equatable {
    /// Every record arrives once and in order for as long as this producer lives.
    case idempotent
    /// Records become visible together with the consumed offsets, or not at all. The id fences
    /// every earlier producer with the same one.
    case transactional(id: String)
  }

  /// The topics it writes. `LogProducer.send(topic:)` takes an index into this list.
  public var topics: [String]
  public var delivery: Delivery
  public var clientID: String

  public init(topics: [String], delivery: Delivery, clientID: String) {
    self.topics = topics
    self.delivery = delivery
    self.clientID = clientID
  }
}
