import EventLog

/// The brokers' state: topics, transactions and groups.
struct LogState: Sendable {
  /// A transactional id, which outlives its producer.
  private struct TransactionalID: Sendable {
    var epoch = 0
    var open: Int?
    /// When `open` began.
    var opened: Duration = .zero
  }

  /// Identifies the cluster.
  var clusterID = "memory"
  var topics: [String: [PartitionLog]] = [:]
  var groups: [String: ConsumerGroup] = [:]
  private var transactionalIDs: [String: TransactionalID] = [:]
  private var decided: [DecidedTransaction] = []
  private var lastTransaction = 0
  private var clock: Int64 = 1_700_000_000_000
  /// When the brokers give up on silent members and producers; `nil` for at once.
  var timeouts: BrokerTimeouts?
  /// Whether a member that no longer belongs to the group is kept from committing. A log without
  /// this is not Kafka's; it shows that the checkers notice.
  var fencesMembers = true
  /// The facts not taken yet; `nil` if nobody wants them.
  private var facts: [LogFact]?
  /// The records of open transactions, for the facts.
  private var undecided: [Int: [PlacedRecord]] = [:]
  private(set) var now: Duration = .zero

  var partitionCounts: [String: Int] { topics.mapValues(\.count) }

  mutating func tick() -> Int64 {
    clock += 1
    return clock
  }

  // MARK: Partitions

  func partition(_ partition: TopicPartition) throws(LogError) -> PartitionLog {
    guard let logs = topics[partition.topic], logs.indices.contains(Int(partition.partition)) else {
      throw LogError(.unknownTopic, "there is no \(partition)", reaction: .stopDaemon)
    }
    return logs[Int(partition.partition)]
  }

  mutating func update<R>(_ partition: TopicPartition, _ change: (inout PartitionLog) -> R)
    throws(LogError) -> R
  {
    _ = try self.partition(partition)
    // Accessed through the dictionary, so that the log is changed in place.
    return change(&topics[partition.topic, default: []][Int(partition.partition)])
  }

  /// Appends a record, to a transaction if it belongs to one.
  mutating func append(
    _ record: MemoryRecord, to partition: TopicPartition, transaction: Int?
  ) throws(LogError) -> Int64 {
    let offset = try update(partition) { $0.append(record, transaction: transaction) }
    guard facts != nil else { return offset }
    var placed = PlacedRecord(place: partition, record: record)
    placed.record.offset = offset
    if let transaction {
      undecided[transaction, default: []].append(placed)
    } else {
      facts?.append(.record(placed))
    }
    return offset
  }

  // MARK: Facts

  /// Starts to collect facts.
  mutating func observe() { facts = [] }

  mutating func takeFacts() -> [LogFact] {
    guard let taken = facts, !taken.isEmpty else { return [] }
    facts = []
    return taken
  }

  // MARK: Time

  /// Does what brokers do on their own as time passes.
  mutating func passTime(to now: Duration) {
    self.now = now
    writeMarkers()
    guard let timeouts else { return }
    for id in transactionalIDs.keys.sorted() {
      guard let state = transactionalIDs[id], state.open != nil else { continue }
      if now - state.opened > timeouts.transaction { expireTransaction(id) }
    }
    for name in groups.keys.sorted() {
      groups[name]?.expireMembers(silentFor: timeouts.session, at: now)
    }
  }

  // MARK: Transactions

  /// Fences earlier producers with this id and ends their open transactions.
  mutating func initialize(_ id: String) -> Int {
    decideTransaction(id, isCommitted: false, offsets: nil)
    writeMarkers()
    transactionalIDs[id, default: TransactionalID()].epoch += 1
    return transactionalIDs[id, default: TransactionalID()].epoch
  }

  func checkEpoch(_ id: String, _ epoch: Int) throws(LogError) {
    guard transactionalIDs[id]?.epoch == epoch else {
      throw LogError(
        .fenced, "a newer producer has taken the place of \(id)", reaction: .abandonPartition)
    }
  }

  mutating func beginTransaction(_ id: String) -> Int {
    lastTransaction += 1
    transactionalIDs[id, default: TransactionalID()].open = lastTransaction
    transactionalIDs[id]?.opened = now
    return lastTransaction
  }

  /// Decides the open transaction of a producer. It becomes visible with its markers.
  mutating func decideTransaction(_ id: String, isCommitted: Bool, offsets: GroupCommit?) {
    guard let transaction = transactionalIDs[id]?.open else { return }
    transactionalIDs[id]?.open = nil
    let records = undecided.removeValue(forKey: transaction) ?? []
    if isCommitted {
      facts?.append(.transaction(id: id, records: records, offsets: offsets.map(\.committed)))
    }
    decided.append(
      DecidedTransaction(number: transaction, isCommitted: isCommitted, offsets: offsets))
  }

  /// Writes the markers of all decided transactions, in order.
  mutating func writeMarkers() {
    for transaction in decided {
      let timestamp = tick()
      for topic in topics.keys.sorted() {
        for index in topics[topic, default: []].indices {
          topics[topic, default: []][index].complete(
            transaction.number, isCommitted: transaction.isCommitted, timestamp: timestamp)
        }
      }
      if let offsets = transaction.offsets { store(offsets) }
    }
    decided = []
  }

  /// Aborts a producer's open transaction and fences it, as the transaction timeout does.
  mutating func expireTransaction(_ id: String) {
    guard transactionalIDs[id]?.open != nil else { return }
    _ = initialize(id)
  }

  // MARK: Groups

  func check(_ commit: GroupCommit) throws(LogError) {
    guard fencesMembers, let member = commit.member else { return }
    guard groups[commit.group]?.contains(member) == true else {
      throw LogError(
        .fenced, "the group \(commit.group) has gone on without this member",
        reaction: .abandonPartition)
    }
  }

  /// Commits offsets that belong to no transaction.
  mutating func apply(_ commit: GroupCommit) {
    facts?.append(.offsets(commit.committed))
    store(commit)
  }

  private mutating func store(_ commit: GroupCommit) {
    groups[commit.group, default: ConsumerGroup()].committed.merge(commit.offsets) { $1 }
    for partition in commit.offsets.keys {
      groups[commit.group, default: ConsumerGroup()].stamps[partition] = commit.stamp
    }
  }
}

/// Offsets that a member, or a reader that is not a member, commits to its group.
struct GroupCommit: Sendable {
  var group: String
  var member: Int?
  /// What the committer says about itself.
  var stamp: OffsetStamp?
  var offsets: [TopicPartition: Int64]

  var committed: CommittedOffsets {
    CommittedOffsets(group: group, stamp: stamp, offsets: offsets)
  }
}

/// How long the brokers wait for silent members and producers.
public struct BrokerTimeouts: Hashable, Sendable {
  /// A member that is silent for this long loses its partitions.
  public var session: Duration
  /// A transaction that is open for this long is aborted, and its producer fenced.
  public var transaction: Duration

  public init(session: Duration, transaction: Duration) {
    self.session = session
    self.transaction = transaction
  }
}

/// A transaction whose outcome is certain but not yet visible.
private struct DecidedTransaction: Sendable {
  var number: Int
  var isCommitted: Bool
  var offsets: GroupCommit?
}
