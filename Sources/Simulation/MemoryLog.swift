public import EventLog
import Synchronization

/// An event log in memory, with all that the engine relies on in Apache Kafka: offsets with gaps,
/// transactions and their aborts, the last stable offset, fencing, groups that rebalance,
/// compaction and retention. Nothing in it waits, and nothing happens on its own.
///
/// One `MemoryLog` is one process's access to the log; `connected(_:)` gives another process access
/// to the same log.
public final class MemoryLog: EventLog {
  final class Brokers: Sendable {
    private let state = Mutex(LogState())

    func withState<R: Sendable, E: Error>(_ body: (inout LogState) throws(E) -> R) throws(E) -> R {
      try state.withLock { state throws(E) in try body(&state) }
    }
  }

  let brokers: Brokers
  public let process: SimulatedProcess

  private init(_ brokers: Brokers, _ process: SimulatedProcess) {
    self.brokers = brokers
    self.process = process
  }

  /// An empty log, accessed by a process without faults.
  ///
  /// - Parameters:
  ///   - timeouts: the brokers notice dead processes after these, and groups keep the partitions of
  ///     named members while they restart.
  ///   - fencesMembers: false makes the log unreliable, for checkers to notice.
  public convenience init(timeouts: BrokerTimeouts, fencesMembers: Bool = true) {
    self.init(Brokers(), SimulatedProcess())
    brokers.withState {
      $0.timeouts = timeouts
      $0.fencesMembers = fencesMembers
      $0.observe()
    }
  }

  /// An empty log, accessed by a process without faults. Dead processes are noticed at once.
  public convenience init(process: SimulatedProcess = SimulatedProcess()) {
    self.init(Brokers(), process)
  }

  /// The same log, accessed by another process.
  public func connected(_ process: SimulatedProcess) -> MemoryLog {
    MemoryLog(brokers, process)
  }

  public func makeConsumer(_ configuration: ConsumerConfiguration) throws(LogError)
    -> MemoryConsumer
  {
    try process.perform(.makeConsumer) { () throws(LogError) in
      try checkTopics(configuration.topics)
    }
    return MemoryConsumer(brokers, process, configuration)
  }

  public func makeProducer(_ configuration: ProducerConfiguration) throws(LogError)
    -> MemoryProducer
  {
    let epoch = try process.perform(.makeProducer) { () throws(LogError) -> Int in
      try checkTopics(configuration.topics)
      return brokers.withState { state in
        switch configuration.delivery {
        case .idempotent: 0
        case .transactional(let id): state.initialize(id)
        }
      }
    }
    return MemoryProducer(brokers, process, configuration, epoch: epoch)
  }

  public func fence(transactionalID: String) throws(LogError) {
    try process.perform(.makeProducer) { () throws(LogError) in
      brokers.withState { _ = $0.initialize(transactionalID) }
    }
  }

  private func checkTopics(_ topics: [String]) throws(LogError) {
    let known = brokers.withState { Set($0.topics.keys) }
    for topic in topics where !known.contains(topic) {
      throw LogError(.unknownTopic, "there is no topic \(topic)", reaction: .stopDaemon)
    }
  }

  // MARK: Topics, outside of any process

  /// Creates an empty topic. If it exists, it is deleted first, together with groups' offsets.
  public func createTopic(_ name: String, partitions: Int) {
    brokers.withState { state in
      state.topics[name] = Array(repeating: PartitionLog(), count: partitions)
      for group in state.groups.keys { state.groups[group]?.forget(name) }
    }
  }

  /// Adds empty partitions to a topic until it has so many.
  public func growTopic(_ name: String, to partitions: Int) {
    brokers.withState { state in
      while let count = state.topics[name]?.count, count < partitions {
        state.topics[name]?.append(PartitionLog())
      }
    }
  }

  /// Appends a record that belongs to no transaction.
  ///
  /// - Returns: its offset.
  @discardableResult
  public func append(
    to partition: TopicPartition, key: [UInt8]?, value: [UInt8]?, headers: [RecordHeader] = [],
    timestamp: Int64? = nil
  ) throws(LogError) -> Int64 {
    try brokers.withState { state throws(LogError) in
      let record = MemoryRecord(
        offset: 0, key: key, value: value, headers: headers, timestamp: timestamp ?? state.tick())
      return try state.append(record, to: partition, transaction: nil)
    }
  }

  /// Removes superseded records below an offset, by default all of them. It can also drop
  /// tombstones, as Kafka does once they are older than `delete.retention.ms`.
  public func compact(
    _ partition: TopicPartition, below limit: Int64 = .max, keepsTombstones: Bool = true
  ) throws(LogError) {
    try brokers.withState { state throws(LogError) in
      try state.update(partition) { $0.compact(below: limit, keepsTombstones: keepsTombstones) }
    }
  }

  /// Deletes the records before an offset, as retention does.
  public func truncate(_ partition: TopicPartition, before offset: Int64) throws(LogError) {
    try brokers.withState { state throws(LogError) in
      try state.update(partition) { $0.truncate(before: offset) }
    }
  }

  /// The records a reader sees once the markers of decided transactions are written.
  public func records(of partition: TopicPartition, readCommitted: Bool = true) throws(LogError)
    -> [MemoryRecord]
  {
    try brokers.withState { state throws(LogError) in
      state.writeMarkers()
      let log = try state.partition(partition)
      return log.fetch(from: log.start, maxRecords: .max, readCommitted: readCommitted).records
    }
  }

  /// From the first offset kept to the one after the last record, visible or not.
  public func offsets(of partition: TopicPartition) throws(LogError) -> Range<Int64> {
    try brokers.withState { state throws(LogError) in
      let log = try state.partition(partition)
      return log.start..<log.end
    }
  }

  /// The first offset of an open transaction, or the end.
  public func lastStableOffset(of partition: TopicPartition) throws(LogError) -> Int64 {
    try brokers.withState { state throws(LogError) in
      try state.partition(partition).lastStableOffset
    }
  }

  // MARK: Groups, transactions and time, outside of any process

  /// The facts since the last call. Only a log with timeouts collects them.
  public func takeFacts() -> [LogFact] { brokers.withState { $0.takeFacts() } }

  /// Does what brokers do on their own: markers, timeouts.
  public func passTime(to now: Duration) { brokers.withState { $0.passTime(to: now) } }

  /// A group's offsets once the markers of decided transactions are written.
  public func committedOffsets(of group: String) -> [TopicPartition: Int64] {
    brokers.withState { state in
      state.writeMarkers()
      return state.groups[group]?.committed ?? [:]
    }
  }

  /// Deletes a topic and creates it again, empty and with as many partitions.
  public func recreateTopic(_ name: String) {
    createTopic(name, partitions: brokers.withState { $0.partitionCounts[name] ?? 1 })
  }

  /// Makes it another cluster's log.
  public func setClusterID(_ id: String) { brokers.withState { $0.clusterID = id } }

  /// Sets a group's offsets from outside, as Kafka's tools do.
  public func setForeignOffsets(_ offsets: [TopicPartition: Int64], of group: String) {
    setOffsets(offsets, of: group, stamp: nil)
  }

  /// Sets a group's offsets from outside.
  public func setOffsets(
    _ offsets: [TopicPartition: Int64], of group: String, stamp: OffsetStamp?
  ) {
    brokers.withState {
      $0.apply(GroupCommit(group: group, member: nil, stamp: stamp, offsets: offsets))
    }
  }

  /// How many times a group's membership has changed.
  public func generation(of group: String) -> Int {
    brokers.withState { $0.groups[group]?.generation ?? 0 }
  }

  /// Removes all groups, and with them their references to processes.
  public func disband() { brokers.withState { $0.groups = [:] } }

  /// Removes a process's members from a group, as the session timeout does.
  public func expireMembers(of process: SimulatedProcess, group: String) {
    brokers.withState { $0.groups[group]?.expire(process) }
  }

  /// Aborts the open transaction of the producer with this id, as the transaction timeout does.
  public func expireTransaction(_ id: String) {
    brokers.withState { $0.expireTransaction(id) }
  }
}
