import EventLog

/// What the brokers hold: topics, transactions and groups.
struct LogState: Sendable {
  /// A producer's name that outlives it.
  private struct TransactionalID: Sendable {
    var epoch = 0
    var open: Int?
  }

  var topics: [String: [PartitionLog]] = [:]
  var groups: [String: ConsumerGroup] = [:]
  private var transactionalIDs: [String: TransactionalID] = [:]
  private var decided: [DecidedTransaction] = []
  private var lastTransaction = 0
  private var clock: Int64 = 1_700_000_000_000

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
    // Reached through the dictionary, so that the log is changed in place.
    return change(&topics[partition.topic, default: []][Int(partition.partition)])
  }

  // MARK: Transactions

  /// Fences earlier producers of this name and settles what they left open.
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
    return lastTransaction
  }

  /// Decides the open transaction of a producer. It becomes visible with its markers.
  mutating func decideTransaction(_ id: String, isCommitted: Bool, offsets: GroupCommit?) {
    guard let transaction = transactionalIDs[id]?.open else { return }
    transactionalIDs[id]?.open = nil
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
      if let offsets = transaction.offsets { apply(offsets) }
    }
    decided = []
  }

  /// Aborts what a producer has open, and fences it, as the transaction timeout does.
  mutating func expireTransaction(_ id: String) {
    guard transactionalIDs[id]?.open != nil else { return }
    _ = initialize(id)
  }

  // MARK: Groups

  func check(_ commit: GroupCommit) throws(LogError) {
    guard let member = commit.member else { return }
    guard groups[commit.group]?.contains(member) == true else {
      throw LogError(
        .fenced, "the group \(commit.group) has gone on without this member",
        reaction: .abandonPartition)
    }
  }

  mutating func apply(_ commit: GroupCommit) {
    groups[commit.group, default: ConsumerGroup()].committed.merge(commit.offsets) { $1 }
    for partition in commit.offsets.keys {
      groups[commit.group, default: ConsumerGroup()].owners[partition] = commit.owner
    }
  }
}

/// Offsets that a member, or a reader without membership, commits to its group.
struct GroupCommit: Sendable {
  var group: String
  var member: Int?
  /// The instance that commits them; `nil` for nobody.
  var owner: String?
  var offsets: [TopicPartition: Int64]
}

/// A transaction whose outcome is certain and not yet visible.
private struct DecidedTransaction: Sendable {
  var number: Int
  var isCommitted: Bool
  var offsets: GroupCommit?
}
