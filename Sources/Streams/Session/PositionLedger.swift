import EventLog

/// What a session has told of where it stands, and what it still has to tell: to the changelog, to
/// its group, and to whoever watches it.
///
/// Under exactly-once a batch's commit tells all of it. Without transactions the changelog's
/// positions and the group's offsets are written ten times a second at the most: each time costs
/// the broker as much as a small batch does, and what they save after a crash is outputs that may
/// repeat anyway. The store has its position with each batch.
struct PositionLedger {
  static let interval = Duration.milliseconds(100)

  /// When each partition's position was sent to its changelog last.
  private var sent: [TopicPartition: ContinuousClock.Instant] = [:]
  /// Partitions whose state is ahead of the last position in the changelog.
  private var owed: Set<TopicPartition> = []
  /// Offsets of finished batches that the group doesn't know yet, and when it was told last.
  private var untold: [TopicPartition: Int64] = [:]
  private var told: ContinuousClock.Instant
  /// Where the stage stands by its last event.
  private var shown: [TopicPartition: PartitionPosition] = [:]
  /// Records dropped since the last committed batch because they were below their partition's
  /// position.
  private(set) var redeliveries = 0

  init(at now: ContinuousClock.Instant) {
    told = now - Self.interval
  }

  // MARK: The changelog

  /// Whether a position of the partition would not come too soon after the last one.
  func isDue(_ partition: TopicPartition, at now: ContinuousClock.Instant) -> Bool {
    sent[partition].map { now - $0 >= Self.interval } ?? true
  }

  /// A batch ends with a position in the store.
  ///
  /// - Parameter isSent: whether it goes to the changelog as well.
  mutating func put(
    _ partition: TopicPartition, isSent: Bool, at now: ContinuousClock.Instant
  ) {
    if isSent { send(partition, at: now) } else { owed.insert(partition) }
  }

  /// The position of a partition's state goes to the changelog.
  mutating func send(_ partition: TopicPartition, at now: ContinuousClock.Instant) {
    owed.remove(partition)
    sent[partition] = now
  }

  /// Whether a partition's position is to be sent.
  ///
  /// - Parameter all: whether to send it even if it comes too soon.
  func owes(_ partition: TopicPartition, all: Bool, at now: ContinuousClock.Instant) -> Bool {
    owed.contains(partition) && (all || isDue(partition, at: now))
  }

  /// The batch is void, and so are the positions that were due or could not be sent: they were its
  /// own.
  mutating func rollBack() {
    owed.removeAll()
  }

  // MARK: The group

  /// Batches end at these offsets.
  mutating func note(_ offsets: [TopicPartition: Int64]) {
    untold.merge(offsets) { $1 }
  }

  /// The offsets to tell the group now; `nil` when there are none or it is too soon.
  func offsetsToTell(all: Bool, at now: ContinuousClock.Instant) -> [TopicPartition: Int64]? {
    guard !untold.isEmpty, all || now - told >= Self.interval else { return nil }
    return untold
  }

  /// The group has got them.
  mutating func tellOffsets(at now: ContinuousClock.Instant) {
    untold.removeAll(keepingCapacity: true)
    told = now
  }

  // MARK: Watchers

  mutating func noteRedelivery() { redeliveries += 1 }

  /// A committed batch shows these positions.
  mutating func show(_ positions: [TopicPartition: PartitionPosition]) {
    shown = positions
    redeliveries = 0
  }

  /// - Returns: whether these positions are news.
  mutating func showChange(_ positions: [TopicPartition: PartitionPosition]) -> Bool {
    guard positions != shown else { return false }
    shown = positions
    return true
  }

  // MARK: Assignment

  /// Somebody else tells of these partitions from now on.
  mutating func forget(_ partitions: [TopicPartition]) {
    for partition in partitions {
      sent[partition] = nil
      owed.remove(partition)
      untold[partition] = nil
    }
  }
}
