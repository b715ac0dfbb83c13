import EventLog
import StateStore

/// What was read of a changelog for one partition's copy since the copy's last commit.
struct StandbyCopy: Sendable {
  let changelog: TopicPartition
  /// Behind the last position read: where following begins again.
  private(set) var nextOffset: Int64
  /// Changes up to that position, and behind it.
  private var ready = WriteSet()
  private var tail = ChangelogTail()
  private var committed: ContinuousClock.Instant

  init(_ changelog: TopicPartition, nextOffset: Int64, now: ContinuousClock.Instant) {
    self.changelog = changelog
    self.nextOffset = nextOffset
    committed = now
  }

  var partition: Int32 { changelog.partition }

  /// Begins to follow behind the last position read.
  mutating func begin() -> PartitionCursor {
    tail = ChangelogTail()
    return PartitionCursor(changelog, from: .at(nextOffset))
  }

  mutating func take(_ record: borrowing RecordView) {
    tail.take(record, movingVouchedTo: &ready)
    nextOffset = tail.lastPosition ?? nextOffset
  }

  /// Whether to commit: `records` wait, or some do and the last commit is `interval` ago.
  func isDue(_ now: ContinuousClock.Instant, after interval: Duration, records: Int) -> Bool {
    !ready.isEmpty && (now - committed >= interval || ready.count >= records)
  }

  mutating func commit(to store: some StateStore, at now: ContinuousClock.Instant)
    throws(StoreError)
  {
    try store.commitInParts(&ready, changelogOffset: nextOffset)
    ready.removeAll()
    committed = now
  }
}
