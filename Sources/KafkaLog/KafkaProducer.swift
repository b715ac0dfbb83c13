import CRdkafka
public import EventLog
import Logging

/// A librdkafka producer, used by one thread.
///
/// A transactional one holds two librdkafka producers, `<id>-a` and `<id>-b`, and takes turns. The
/// commit of a transaction returns once the coordinator has decided it; the markers that make it
/// visible are written after that, and until they are, the coordinator answers the next
/// transaction of the same producer with CONCURRENT_TRANSACTIONS, which costs librdkafka a 20 ms
/// wait (rdkafka_txnmgr.c). On the other producer the next transaction starts at once.
///
/// Exactly-once still holds. The turns never overlap: one transaction begins after the one before
/// is decided, so outputs and offsets are decided in order, and the group coordinator applies
/// pending offsets in the order they were appended. A successor initialises both ids before it
/// reads any committed offset; that fences a predecessor on both, aborts what it left open and
/// waits for the markers of what it had decided.
public final class KafkaProducer: LogProducer {
  public typealias Consumer = KafkaConsumer

  private let lanes: [ProducerLane]
  private let requestTimeout: Duration
  /// Those asked for by name.
  private var topics: [String: (index: Int, partitions: Int32)] = [:]
  private var current = 0
  private var transaction = Transaction.none

  private enum Transaction {
    case none
    case open
    /// The offsets are in it: a repeated commit must not add them again.
    case committing
  }

  init(_ configuration: ProducerConfiguration, settings: KafkaSettings, logger: Logger)
    throws(LogError)
  {
    requestTimeout = settings.requestTimeout
    switch configuration.delivery {
    case .idempotent:
      let properties = settings.producerProperties(
        clientID: configuration.clientID, transactionalID: nil)
      lanes = [
        try ProducerLane(
          topics: configuration.topics, properties: properties, settings: settings, logger: logger)
      ]
    case .transactional(let id):
      lanes = try Self.makeTransactional(
        id, topics: configuration.topics, clientID: configuration.clientID, settings, logger)
    }
  }

  /// Takes the place of a producer of this transactional id, and lets go of it.
  static func fence(_ id: String, settings: KafkaSettings, logger: Logger) throws(LogError) {
    let lanes = try makeTransactional(id, topics: [], clientID: "fence-\(id)", settings, logger)
    for lane in lanes { lane.close() }
  }

  private static func makeTransactional(
    _ id: String, topics: [String], clientID: String, _ settings: KafkaSettings, _ logger: Logger
  ) throws(LogError) -> [ProducerLane] {
    func makeLane(_ suffix: String) throws(LogError) -> ProducerLane {
      try ProducerLane(
        topics: topics,
        properties: settings.producerProperties(
          clientID: "\(clientID)-\(suffix)", transactionalID: "\(id)-\(suffix)"),
        settings: settings, logger: logger)
    }
    // Both connect before either asks.
    let suffixes = ["a", "b"]
    var lanes = try suffixes.map(makeLane)
    for (index, suffix) in suffixes.enumerated() {
      let deadline = ContinuousClock.now + settings.transactionTimeout
      var patience = firstPatience
      while true {
        let isLast = .now + patience >= deadline
        do throws(LogError) {
          try lanes[index].initTransactions(timeout: isLast ? deadline - .now : patience)
          break
        } catch {
          guard error.reaction == .retry, !isLast else { throw error }
        }
        lanes[index].close()
        lanes[index] = try makeLane(suffix)
        patience *= 2
      }
    }
    return lanes
  }

  /// How long the first try to take a predecessor's place may take.
  ///
  /// While the coordinator ends what the predecessor has left open, some ten milliseconds, it
  /// answers CONCURRENT_TRANSACTIONS, and librdkafka asks again after half a second
  /// (`rd_kafka_idemp_pid_timer_restart`). A new client asks at once.
  private static let firstPatience = Duration.milliseconds(80)

  public func topic(named name: String) throws(LogError) -> (index: Int, partitions: Int32) {
    if let known = topics[name] { return known }
    // Asking for the one topic could create it; whoever names it must not be able to do that.
    let metadata = try Metadata(lanes[current].client, timeout: requestTimeout, scope: .everything)
    let partitions = try metadata.partitionCount(of: name)
    let index = try lanes.map { lane throws(LogError) in try lane.index(of: name) }[0]
    topics[name] = (index, partitions)
    return (index, partitions)
  }

  public func send(
    topic: Int, partition: Int32?, key: RawSpan?, value: RawSpan?, headers: [RecordHeader],
    timestamp: Int64?, tracked: Bool
  ) throws(LogError) {
    try lanes[current].send(
      topic: topic, partition: partition, key: key, value: value, headers: headers,
      timestamp: timestamp, tracked: tracked)
  }

  public func flush(timeout: Duration) throws(LogError) {
    try lanes[current].flush(timeout: timeout)
  }

  public func deliveredOffset(topic: Int, partition: Int32) -> Int64? {
    // Offsets rise, so the newest is the highest, whichever of the two sent it.
    lanes.compactMap { $0.deliveries.offset(topic: topic, partition: partition) }.max()
  }

  public func beginTransaction() throws(LogError) {
    let next = (current + 1) % lanes.count
    try lanes[next].beginTransaction()
    current = next
    transaction = .open
  }

  /// `LogError` with `Reaction.retry` leaves the outcome open: call it again with the same
  /// offsets.
  public func commitTransaction(
    offsets: [TopicPartition: Int64], of consumer: KafkaConsumer, timeout: Duration
  ) throws(LogError) {
    let deadline = ContinuousClock.now + timeout
    let lane = lanes[current]
    if transaction == .open {
      if !offsets.isEmpty {
        try lane.sendOffsets(
          PartitionList(offsets, owner: consumer.instanceID), of: consumer.client,
          deadline: deadline)
      }
      transaction = .committing
    }
    try lane.commitTransaction(deadline: deadline)
    transaction = .none
  }

  /// Does nothing when no transaction is open. A commit without an answer can't be taken back:
  /// then this throws `Reaction.abandonPartition`, and the next producer of the same id learns
  /// the outcome.
  public func abortTransaction(timeout: Duration) throws(LogError) {
    guard transaction != .none else { return }
    do throws(LogError) {
      try lanes[current].abortTransaction(deadline: .now + timeout)
    } catch {
      guard transaction == .committing else { throw error }
      throw LogError(error.code, error.message, reaction: .abandonPartition)
    }
    transaction = .none
  }

  public func close() {
    for lane in lanes { lane.close() }
  }
}
