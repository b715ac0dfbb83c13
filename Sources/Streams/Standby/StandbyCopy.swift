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
  /// Which log the store is of.
  private var origin: StoreOrigin?
  private var committed: ContinuousClock.Instant

  init(
    _ changelog: TopicPartition, nextOffset: Int64, origin: StoreOrigin? = nil,
    now: ContinuousClock.Instant
  ) {
    self.changelog = changelog
    self.origin = origin
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
    if let identity = ChangelogIdentity(record) { note(identity, at: record.offset) }
    tail.take(record, movingVouchedTo: &ready)
    nextOffset = tail.lastPosition ?? nextOffset
  }

  /// An owner has given the changelog its identity.
  private mutating func note(_ identity: ChangelogIdentity, at offset: Int64) {
    guard origin != nil else { return }
    origin?.changelog = identity
    origin?.changelogOffset = offset
    let (key, value) = (StoreOrigin.key, origin?.encoded ?? [])
    ready.set(.meta, key.span.bytes, value.span.bytes)
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
