/// What a partitioned event log is, as far as the engine and the stages need to know.
///
/// Records live in topics, topics in partitions, and a record is named by its offset. Offsets of a
/// partition only rise, but they have gaps (transaction markers, compaction). Apache Kafka is the
/// log in production (`KafkaLog`); an in-memory one stands in for it in simulation.
///
/// A log hands out consumers and producers. Each of those belongs to the one thread that uses it.
public protocol EventLog: Sendable {
  associatedtype Consumer: LogConsumer
  associatedtype Producer: LogProducer where Producer.Consumer == Consumer

  func makeConsumer(_ configuration: ConsumerConfiguration) throws(LogError) -> Consumer
  func makeProducer(_ configuration: ProducerConfiguration) throws(LogError) -> Producer

  /// Ends what a producer of this transactional id has left open, and fences it if it is still
  /// alive: none of its records becomes visible any more. Waits until that is done.
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
  /// The consumer group it joins; `nil` for a reader that is told its partitions with `assign`.
  public var group: String?
  /// Whether the group gives it its partitions (`Rebalance`), or it only keeps its offsets under the
  /// group's name and is told its partitions with `assign`.
  public var isMember: Bool
  /// Names the member, the same after a restart. Its group then keeps its partitions for it while
  /// it restarts (static membership, KIP-345), and the offsets it commits bear the name: see
  /// `LogConsumer.owners`. `nil` for a member nobody has to know.
  public var instanceID: String?
  /// Names the thread in logs and in `client.id`.
  public var clientID: String
  /// Whether records of open and aborted transactions are hidden (`isolation.level`).
  public var readCommitted: Bool
  /// How many bytes may wait in the client's queue (`queued.max.messages.kbytes`).
  public var maxQueuedBytes: Int
  /// How long the broker may hold a fetch that finds too little (`fetch.wait.max.ms`); also how late
  /// `PollResult.ends` may come.
  public var fetchWait: Duration
  /// What is enough for a fetch to be answered at once (`fetch.min.bytes`).
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
    /// Every record arrives once and in order as long as this producer lives.
    case idempotent
    /// Records become visible together with the consumed offsets, or not at all. The identifier
    /// fences every earlier producer of the same name.
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
