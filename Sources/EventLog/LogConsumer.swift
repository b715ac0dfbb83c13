/// Reads partitions of a log, in offset order each. Belongs to one thread.
public protocol LogConsumer: AnyObject {
  /// Hands the waiting records to `body`, waiting up to `timeout` for the first one only.
  ///
  /// - Parameters:
  ///   - maxRecords: the most records one call delivers.
  ///   - body: called with consecutive records of one partition at a time; returns false to stop,
  ///     which drops the records fetched but not delivered: the caller must then `rewind`.
  /// - Returns: how many records were delivered, and what else has happened meanwhile.
  func pollRuns(maxRecords: Int, timeout: Duration, _ body: (borrowing RecordRun) -> Bool)
    throws(LogError) -> PollResult

  /// Starts reading these partitions, beside those already read. Answers a
  /// `Rebalance.assigned`, or stands alone for a consumer without a group.
  func assign(_ starts: [(partition: TopicPartition, offset: StartOffset)]) throws(LogError)

  /// Stops reading these partitions. Answers `Rebalance.revoked` and `.lost`.
  func unassign(_ partitions: [TopicPartition]) throws(LogError)

  /// Reads these assigned partitions again from the given offsets.
  func rewind(_ offsets: [TopicPartition: Int64]) throws(LogError)

  /// The group's committed offsets; partitions without one are absent.
  func committed(_ partitions: [TopicPartition]) throws(LogError) -> [TopicPartition: Int64]

  /// Whose the partitions are by their committed offsets: the instance that has committed last and
  /// has not let go with `disown`. Partitions of nobody are absent. What is still undecided in a
  /// transaction does not count, and is not waited for.
  func owners(of partitions: [TopicPartition]) throws(LogError) -> [TopicPartition: String]

  /// The first offset still kept, and the one after the last visible record (for a read-committed
  /// consumer the last stable offset), asked of the log itself.
  func offsets(of partition: TopicPartition) throws(LogError) -> Range<Int64>

  /// How many partitions a topic has, asked of the log itself.
  ///
  /// - Throws: `.unknownTopic` when there is no such topic.
  func partitionCount(of topic: String) throws(LogError) -> Int32

  /// The position where nothing visible follows it, else the partition's end, as the newest fetch told:
  /// no question is asked of the log, so it may lag behind. `nil` before the first fetch.
  func endHint(of partition: TopicPartition) -> Int64?

  /// Commits the offsets of the next records to read to the group, and waits for the answer when
  /// `wait` is set.
  func commit(_ offsets: [TopicPartition: Int64], wait: Bool) throws(LogError)

  /// Commits offsets a last time, as nobody's: what this instance has done there is done.
  func disown(_ offsets: [TopicPartition: Int64]) throws(LogError)

  /// Frees what the consumer holds. Nothing may be called after it.
  ///
  /// - Parameter leaving: whether a member with an `instanceID` leaves its group as well, which one
  ///   that restarts does not do.
  func close(leaving: Bool)
}

extension LogConsumer {
  /// `close` for good.
  @inlinable
  public func close() { close(leaving: true) }
}

/// Where to start reading a partition.
public enum StartOffset: Hashable, Sendable {
  case beginning
  case end
  case at(Int64)
}

/// What one `poll` brought.
public struct PollResult: Sendable {
  /// Records handed to the body.
  public var records = 0
  /// A change of assignment that waits for the caller's `assign` or `unassign`.
  public var rebalance: Rebalance?
  /// Partitions read to their end, with the offset the next record will have at the least.
  public var ends: [TopicPartition: Int64] = [:]

  public init() {}
}

/// A consumer group's change of assignment. The group waits until it is answered.
public enum Rebalance: Hashable, Sendable {
  /// These partitions are ours once `assign` is called.
  case assigned([TopicPartition])
  /// These go elsewhere: finish or abort, commit, then `unassign`.
  case revoked([TopicPartition])
  /// These are already someone else's: abandon them, commit nothing, then `unassign`.
  case lost([TopicPartition])
}
