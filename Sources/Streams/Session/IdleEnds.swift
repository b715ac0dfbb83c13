import EventLog

/// Ends of partitions that a stage has read up to, for the time when nothing comes any more.
///
/// A transaction leaves a marker behind its last record. The stage's position is before it, and the
/// group shows a lag of one for ever, unless the position passes the marker as well. That takes a
/// commit of its own, so it waits until the input has been dry for a while.
struct IdleEnds {
  static let patience = Duration.seconds(1)

  private var ends: [TopicPartition: Int64] = [:]
  private var drySince: ContinuousClock.Instant?

  /// Notes the partitions that a poll has read to their ends; see `PollResult.ends`.
  mutating func reach(_ reached: [TopicPartition: Int64]) {
    guard !reached.isEmpty else { return }
    ends.merge(reached) { $1 }
  }

  /// Notes that a poll brought records.
  mutating func noteRecords() { drySince = nil }

  /// Whether the input has been dry for long enough, at a moment when it is.
  mutating func isDue(at now: ContinuousClock.Instant) -> Bool {
    guard !ends.isEmpty else { return false }
    guard let drySince else {
      self.drySince = now
      return false
    }
    return now - drySince >= Self.patience
  }

  /// The end that was reached in a partition; `nil` if it is not ahead of a position.
  func end(of partition: TopicPartition, beyond position: Int64) -> Int64? {
    ends[partition].flatMap { $0 > position ? $0 : nil }
  }

  /// Forgets partitions that another member owns from now on.
  mutating func forget(_ partitions: [TopicPartition]) {
    for partition in partitions { ends[partition] = nil }
  }

  /// Forgets all ends: positions pass them now, or go back, where an end says nothing of what lies
  /// before it.
  mutating func removeAll() {
    ends.removeAll(keepingCapacity: true)
    drySince = nil
  }
}
