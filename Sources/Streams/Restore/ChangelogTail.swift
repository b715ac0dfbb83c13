import EventLog
import StateStore

/// What follows the last position read of a changelog partition. No position vouches for it yet: it
/// belongs to a batch that is still being written, or that a crash cut short and whose input will
/// be read again.
struct ChangelogTail: Sendable {
  /// The offset after the last position read; `nil` before the first one.
  private(set) var lastPosition: Int64?
  private(set) var changes = WriteSet()

  /// Takes the next record. Changes that a position vouches for are no longer part of the tail.
  mutating func take(_ record: borrowing RecordView) {
    changes.addChange(record)
    guard record.isPosition else { return }
    changes.removeAll()
    lastPosition = record.offset + 1
  }

  /// Takes the next record, and moves changes that a position vouches for, itself included.
  mutating func take(_ record: borrowing RecordView, movingVouchedTo vouched: inout WriteSet) {
    changes.addChange(record)
    guard record.isPosition else { return }
    changes.forEach { vouched.set($0, $1, $2) }
    changes.removeAll()
    lastPosition = record.offset + 1
  }
}

/// Where to look for the last position of a changelog partition: it is near the end, so in windows
/// that end there and grow. Where every batch is a transaction, the first window has it.
struct TailSearch: Sendable {
  private var window: Int64 = 1_000

  /// Where to begin reading.
  func start(in range: Range<Int64>) -> Int64 {
    max(range.lowerBound, range.upperBound - window)
  }

  /// Whether a range has been searched without a gap.
  func covers(_ range: Range<Int64>) -> Bool { range.count <= window }

  mutating func widen() { window *= 10 }
}
