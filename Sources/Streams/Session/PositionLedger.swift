import EventLog

/// Which positions a session has published and which it still owes: to its changelogs, to its
/// group, and to its watchers.
///
/// Under exactly-once each commit publishes them all. Without transactions, changelog positions and
/// group offsets are written at most ten times a second: each write costs the broker as much as a
/// small batch, and only saves outputs from repeating after a crash, which they may anyway. The
/// store gets its position with each batch.
struct PositionLedger {
  static let interval = Duration.milliseconds(100)

  /// When each partition's position was last sent to its changelog.
  private var sent: [TopicPartition: ContinuousClock.Instant] = [:]
  /// Partitions whose state is ahead of the last position in the changelog.
  private var owed: Set<TopicPartition> = []
  /// Offsets of finished batches that the group doesn't have yet, and when it last got some.
  private var untold: [TopicPartition: Int64] = [:]
  private var told: ContinuousClock.Instant
  /// The positions in the stage's last event.
  private var shown: [TopicPartition: PartitionPosition] = [:]
  /// Records dropped since the last committed batch because they were below their partition's
  /// position.
  private(set) var redeliveries = 0

  init(at now: ContinuousClock.Instant) {
    told = now - Self.interval
  }

  // MARK: The changelog

  /// Whether enough time has passed since the partition's last position in the changelog.
  func isDue(_ partition: TopicPartition, at now: ContinuousClock.Instant) -> Bool {
    sent[partition].map { now - $0 >= Self.interval } ?? true
  }

  /// Notes that a batch has put its position into the store.
  ///
  /// - Parameter isSent: whether it goes to the changelog as well.
  mutating func put(
    _ partition: TopicPartition, isSent: Bool, at now: ContinuousClock.Instant
  ) {
    if isSent { send(partition, at: now) } else { owed.insert(partition) }
  }

  /// Notes that a partition's position was sent to the changelog.
  mutating func send(_ partition: TopicPartition, at now: ContinuousClock.Instant) {
    owed.remove(partition)
    sent[partition] = now
  }

  /// Whether a partition's position must be sent.
  ///
  /// - Parameter all: whether to send it even if it isn't due.
  func owes(_ partition: TopicPartition, all: Bool, at now: ContinuousClock.Instant) -> Bool {
    owed.contains(partition) && (all || isDue(partition, at: now))
  }

  /// Notes that the batch was aborted: the positions it owed were its own.
  mutating func rollBack() {
    owed.removeAll()
  }

  // MARK: The group

  /// Notes the offsets at which a batch ends.
  mutating func note(_ offsets: [TopicPartition: Int64]) {
    untold.merge(offsets) { $1 }
  }

  /// The offsets to commit to the group now; `nil` if there are none or it is too soon.
  func offsetsToTell(all: Bool, at now: ContinuousClock.Instant) -> [TopicPartition: Int64]? {
    guard !untold.isEmpty, all || now - told >= Self.interval else { return nil }
    return untold
  }

  /// Notes that the group has all offsets.
  mutating func tellOffsets(at now: ContinuousClock.Instant) {
    untold.removeAll(keepingCapacity: true)
    told = now
  }

  // MARK: Watchers

  mutating func noteRedeliveries(_ count: Int) { redeliveries += count }

  /// Notes the positions in a committed batch's event.
  mutating func show(_ positions: [TopicPartition: PartitionPosition]) {
    shown = positions
    redeliveries = 0
  }

  /// Notes positions outside a batch.
  ///
  /// - Returns: whether they differ from those in the last event.
  mutating func showChange(_ positions: [TopicPartition: PartitionPosition]) -> Bool {
    guard positions != shown else { return false }
    shown = positions
    return true
  }

  // MARK: Assignment

  /// Forgets partitions that another member owns from now on.
  mutating func forget(_ partitions: [TopicPartition]) {
    for partition in partitions {
      sent[partition] = nil
      owed.remove(partition)
      untold[partition] = nil
    }
  }
}
