import EventLog
import StateStore

/// What a restore reads of one changelog partition: the changes that its store lacks, up to the
/// last position, and what is behind that.
struct ChangelogSection: Sendable {
  let changelog: TopicPartition
  /// What the store lacks at the start: changelog offsets up to the end.
  let range: Range<Int64>
  /// What is behind the last position in `range`.
  private(set) var tail = ChangelogTail()
  /// Changes read and not yet taken over by the store's loader.
  var changes = WriteSet()
  /// Records read so far that the store should have.
  private(set) var records = 0
  /// The changelog's identity, where what was read has it, and its offset.
  private(set) var identity: (ChangelogIdentity, offset: Int64)?

  init(_ changelog: TopicPartition, _ range: Range<Int64>) {
    self.changelog = changelog
    self.range = range
  }

  /// Where the state ends.
  var endOfState: Int64 { tail.lastPosition ?? range.lowerBound }
  /// How many offsets the state has that the store lacks.
  var length: Int64 { endOfState - range.lowerBound }

  /// The offset that the store stands for once it has everything below `next`. Where no change
  /// follows the last position, only markers do.
  func changelogOffset(below next: Int64) -> Int64 {
    next == endOfState && tail.changes.isEmpty ? range.upperBound : next
  }

  /// Where to begin reading in order to find the last position.
  func search(_ search: TailSearch) -> PartitionCursor {
    PartitionCursor(changelog, from: .at(search.start(in: range)), to: range.upperBound)
  }

  var state: PartitionCursor {
    PartitionCursor(changelog, from: .at(range.lowerBound), to: endOfState)
  }

  mutating func beginSearch() { tail = ChangelogTail() }

  mutating func searchRecord(_ record: borrowing RecordView) {
    noteIdentity(record)
    tail.take(record)
  }

  private mutating func noteIdentity(_ record: borrowing RecordView) {
    guard let identity = ChangelogIdentity(record) else { return }
    self.identity = (identity, record.offset)
  }

  mutating func takeChange(_ record: borrowing RecordView) {
    noteIdentity(record)
    changes.addChange(record)
    records += 1
  }
}
