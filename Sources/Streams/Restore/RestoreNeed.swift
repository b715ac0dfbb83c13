import EventLog
import StateStore

/// What a restore has to do about one store, by where the store stands and what its changelog
/// holds.
enum RestoreNeed: Hashable, Sendable {
  /// The store lacks these offsets, which may be none.
  case changes(Range<Int64>)
  /// The store stands for more than the changelog holds: it is not this changelog's.
  case rebuild
  /// The changelog has lost records that the store lacks, from this offset on. A changelog is
  /// compacted and begins at 0: what is left is not the whole state, and nothing could tell which
  /// part is missing.
  case lost(from: Int64)

  /// - Parameters:
  ///   - stored: the store's changelog offset; `nil` for a new store.
  ///   - held: what the changelog has, committed or not.
  init(stored: Int64?, held: Range<Int64>) {
    let start = stored ?? 0
    switch MissingOffsets.of(from: start, to: start, in: held) {
    case nil: self = .changes(start..<held.upperBound)
    case .beginning: self = .lost(from: start)
    // Rebuilding takes the changelog from its beginning.
    case .end: self = held.lowerBound > 0 ? .lost(from: 0) : .rebuild
    }
  }
}

extension StageConfiguration {
  func changelogBeyondLogEnd(_ changelog: TopicPartition, stored: Int64, end: Int64) -> Reason {
    Reason(
      .changelogBeyondLogEnd,
      "changelog_beyond_log_end: the store of \(name) partition \(changelog.partition) stands at"
        + " changelog offset \(stored), but \(changelog) ends at \(end)")
  }

  func storeCutShort(_ changelog: TopicPartition) -> StoreError {
    StoreError(
      "a commit to the store of \(name) partition \(changelog.partition) was cut short, and"
        + " \(changelog) does not hold its end", remedy: .rebuild)
  }

  func changelogBelowLogStart(_ changelog: TopicPartition, from offset: Int64, start: Int64)
    -> Reason
  {
    Reason(
      .changelogBelowLogStart,
      "changelog_below_log_start: the store of \(name) partition \(changelog.partition) lacks"
        + " changelog records from offset \(offset) on, but \(changelog) begins at \(start):"
        + " records were deleted from it. Restore a snapshot (projectionist state restore); or"
        + " compute the state again: stop every instance, delete the changelog topic, run topics"
        + " apply, and reset the group \(group) to the earliest offset with kafka-consumer-groups")
  }
}
