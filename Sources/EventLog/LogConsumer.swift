/// Reads partitions of a log, each in offset order. Belongs to one thread.
public protocol LogConsumer: AnyObject {
  /// Hands the available records to `body`. Waits up to `timeout`, for the first one only.
  ///
  /// - Parameters:
  ///   - maxRecords: the most records to deliver.
  ///   - body: called with consecutive records of one partition at a time. Returns false to stop,
  ///     which drops records that were fetched but not delivered: the caller must then `rewind`.
  /// - Returns: how many records were delivered, and what else happened.
  func pollRuns(maxRecords: Int, timeout: Duration, _ body: (borrowing RecordRun) -> Bool)
    throws(LogError) -> PollResult

  /// Starts reading these partitions in addition to those already read. Answers a
  /// `Rebalance.assigned`; a consumer without a group calls it at any time.
  func assign(_ starts: [(partition: TopicPartition, offset: StartOffset)]) throws(LogError)

  /// Stops reading these partitions. Answers `Rebalance.revoked` and `.lost`.
  func unassign(_ partitions: [TopicPartition]) throws(LogError)

  /// Reads these assigned partitions again from the given offsets.
  func rewind(_ offsets: [TopicPartition: Int64]) throws(LogError)

  /// The group's committed offsets and who committed them; partitions without one are absent. Waits
  /// for offsets in an open transaction.
  func commits(of partitions: [TopicPartition]) throws(LogError) -> [TopicPartition: GroupOffset]

  /// The partitions' owners according to their committed offsets (`OffsetStamp.owned`): the
  /// instance that committed last and has not called `disown` since. Partitions without an owner
  /// are absent. Offsets in an open transaction don't count, and are not waited for.
  func owners(of partitions: [TopicPartition]) throws(LogError) -> [TopicPartition: String]

  /// The first offset kept, and the one after the last visible record (for a read-committed
  /// consumer the last stable offset). Asks the log.
  func offsets(of partition: TopicPartition) throws(LogError) -> Range<Int64>

  /// The offset of a partition's first record at or after a time; `nil` if there is none. Asks the
  /// log.
  ///
  /// - Parameter timestamp: milliseconds since 1970, not negative.
  func offset(of partition: TopicPartition, at timestamp: Int64) throws(LogError) -> Int64?

  /// How many partitions a topic has. Asks the log.
  ///
  /// - Throws: `.unknownTopic` if there is no such topic.
  func partitionCount(of topic: String) throws(LogError) -> Int32

  /// Identifies the cluster, whatever its topics. Asks the log.
  func clusterID() throws(LogError) -> String

  /// The client ids of the group's members, also while it rebalances. Asks the log.
  func groupMembers() throws(LogError) -> [String]

  /// The position if nothing visible follows it, otherwise the partition's end. Known from the
  /// newest fetch, without asking the log, so it may be out of date. `nil` before the first fetch.
  func endHint(of partition: TopicPartition) -> Int64?

  /// Commits the offsets of the next records to read to the group. Waits for the answer if `wait`
  /// is set.
  func commit(_ offsets: [TopicPartition: Int64], wait: Bool) throws(LogError)

  /// Commits offsets one last time and gives up ownership (`OffsetStamp.released`): this instance
  /// has nothing open there.
  func disown(_ offsets: [TopicPartition: Int64]) throws(LogError)

  /// Frees what the consumer holds. Call nothing after it.
  ///
  /// - Parameter leaving: whether a member with an `instanceID` leaves its group too. One that
  ///   restarts stays in it.
  func close(leaving: Bool)
}

extension LogConsumer {
  /// The group's committed offsets alone.
  public func committed(_ partitions: [TopicPartition]) throws(LogError) -> [TopicPartition: Int64]
  {
    try commits(of: partitions).mapValues(\.offset)
  }

  /// Closes and leaves the group.
  @inlinable
  public func close() { close(leaving: true) }
}

/// Where to start reading a partition.
public enum StartOffset: Hashable, Sendable {
  case beginning
  case end
  case at(Int64)
}

/// The outcome of one `poll`.
public struct PollResult: Sendable {
  /// How many records the body got.
  public var records = 0
  /// A change of assignment that waits for the caller's `assign` or `unassign`.
  public var rebalance: Rebalance?
  /// Partitions read to their end, with the lowest offset that the next record can have.
  public var ends: [TopicPartition: Int64] = [:]

  public init() {}
}

/// A consumer group's change of assignment. The group waits for the answer.
public enum Rebalance: Hashable, Sendable {
  /// These partitions are ours, to be read once `assign` is called.
  case assigned([TopicPartition])
  /// These move to another member: finish or abort, commit, then `unassign`.
  case revoked([TopicPartition])
  /// These already belong to another member: abandon them, commit nothing, then `unassign`.
  case lost([TopicPartition])
}
