import CRdkafka
public import EventLog
import Logging

/// A Kafka producer, used by one thread.
///
/// A transactional one holds two librdkafka producers, `<id>-a` and `<id>-b`, that take turns. The
/// commit of a transaction returns once the coordinator has decided it. The markers that make it
/// visible are written later, and until they are, the coordinator answers the same producer's next
/// transaction with CONCURRENT_TRANSACTIONS, after which librdkafka waits for 20 ms
/// (rdkafka_txnmgr.c). On the other producer the next transaction starts at once.
///
/// Exactly-once still holds. The turns never overlap (`TransactionState`): a transaction begins
/// after the previous one is decided, so outputs and offsets are decided in order, and the group
/// coordinator applies pending offsets in the order they were appended. A successor initialises
/// both ids before it reads any committed offset. That fences its predecessor on both, aborts what
/// it left open and waits for the markers of what it had decided.
public final class KafkaProducer: LogProducer {
  public typealias Consumer = KafkaConsumer

  private let producers: [RdkafkaProducer]
  private let requestTimeout: Duration
  private let times: RecordTimes
  /// Topics that were asked for by name.
  private var topics: [String: (index: Int, partitions: Int32)] = [:]
  private var transaction: TransactionState

  init(_ configuration: ProducerConfiguration, settings: KafkaSettings, logger: Logger)
    throws(LogError)
  {
    requestTimeout = settings.requestTimeout
    times = settings.recordTimes
    switch configuration.delivery {
    case .idempotent:
      let properties = settings.producerProperties(
        clientID: configuration.clientID, transactionalID: nil)
      producers = [
        try RdkafkaProducer(
          topics: configuration.topics, properties: properties, settings: settings, logger: logger)
      ]
    case .transactional(let id):
      producers = try Self.makeTransactional(
        id, topics: configuration.topics, clientID: configuration.clientID, settings, logger)
    }
    transaction = TransactionState(producers: producers.count)
  }

  /// Takes the place of a producer with this transactional id, and gives it up again.
  static func fence(_ id: String, settings: KafkaSettings, logger: Logger) throws(LogError) {
    let producers = try makeTransactional(id, topics: [], clientID: "fence-\(id)", settings, logger)
    for producer in producers { producer.close() }
  }

  private static func makeTransactional(
    _ id: String, topics: [String], clientID: String, _ settings: KafkaSettings, _ logger: Logger
  ) throws(LogError) -> [RdkafkaProducer] {
    func make(_ suffix: String) throws(LogError) -> RdkafkaProducer {
      try RdkafkaProducer(
        topics: topics,
        properties: settings.producerProperties(
          clientID: "\(clientID)-\(suffix)", transactionalID: "\(id)-\(suffix)"),
        settings: settings, logger: logger)
    }
    // Both connect before either asks.
    let suffixes = ["a", "b"]
    var producers = try suffixes.map(make)
    for (index, suffix) in suffixes.enumerated() {
      try Mend.fence(with: &producers[index], timeout: settings.transactionTimeout) {
        () throws(LogError) in try make(suffix)
      }
    }
    return producers
  }

  private var current: RdkafkaProducer { producers[transaction.current] }

  // MARK: Records

  public func topic(named name: String) throws(LogError) -> (index: Int, partitions: Int32) {
    if let known = topics[name] { return known }
    // Asking about one topic can create it, which a request that names one must not do.
    let metadata = try Metadata(current.client, timeout: requestTimeout, scope: .everything)
    let partitions = try metadata.partitionCount(of: name)
    let index = try producers.map { producer throws(LogError) in try producer.index(of: name) }[0]
    topics[name] = (index, partitions)
    return (index, partitions)
  }

  public func send(
    topic: Int, partition: Int32?, key: RawSpan?, value: RawSpan?, headers: [RecordHeader],
    timestamp: Int64?, tracked: Bool
  ) throws(LogError) {
    do throws(LogError) {
      try current.send(
        topic: topic, partition: partition, key: key, value: value, headers: headers,
        timestamp: timestamp, tracked: tracked)
    } catch { throw learnTimes() ?? error }
  }

  public func flush(timeout: Duration) throws(LogError) {
    do throws(LogError) { try current.flush(timeout: timeout) } catch {
      throw learnTimes() ?? error
    }
    // A topic that a request has named loses its record, and gets the next one.
    _ = learnTimes()
  }

  /// Adapts to topics that have refused the time of a record; `nil` if the same records can be sent
  /// again.
  private func learnTimes() -> LogError? {
    let refused = producers.reduce(into: Set()) { $0.formUnion($1.deliveries.takeRefusedTimes()) }
    guard !refused.isEmpty else { return nil }
    let admin = KafkaAdmin(of: current.client, timeout: requestTimeout)
    defer { for producer in producers { producer.renewBounds() } }
    return times.learn(refused) { topics throws(LogError) in try admin.properties(of: topics) }
  }

  public func deliveredOffset(topic: Int, partition: Int32) -> Int64? {
    // Offsets rise, so the newest is the highest, whichever of the two sent it.
    producers.compactMap { $0.deliveries.offset(topic: topic, partition: partition) }.max()
  }

  public func close() {
    for producer in producers { producer.close() }
  }

  // MARK: Transactions

  public func beginTransaction() throws(LogError) {
    guard case .begin(let next) = try transaction.begin() else { return }
    try producers[next].beginTransaction()
    transaction.began(on: next)
  }

  /// After an error with `Reaction.retry` the outcome is open: call this again with the same
  /// offsets.
  public func commitTransaction(
    offsets: [TopicPartition: Int64], of consumer: KafkaConsumer, timeout: Duration
  ) throws(LogError) {
    let deadline = ContinuousClock.now + timeout
    var action = try transaction.commit(hasOffsets: !offsets.isEmpty)
    if case .sendOffsets(let index) = action {
      try producers[index].sendOffsets(
        PartitionList(offsets, stamp: consumer.instanceID.map { .owned(by: $0) }),
        of: consumer.client, deadline: deadline)
      action = transaction.offsetsSent()
    }
    guard case .commit(let index) = action else { return }
    do throws(LogError) { try producers[index].commitTransaction(deadline: deadline) } catch {
      throw learnTimes() ?? error
    }
    transaction.committed()
  }

  /// Does nothing if no transaction is open. A commit without an answer can't be taken back: then
  /// this throws `Reaction.abandonPartition`, and the next producer with the same id learns the
  /// outcome.
  public func abortTransaction(timeout: Duration) throws(LogError) {
    guard case .abort(let index) = transaction.abort() else { return }
    do throws(LogError) {
      try producers[index].abortTransaction(deadline: .now + timeout)
    } catch {
      throw transaction.abortFailed(error)
    }
    transaction.aborted()
  }
}
