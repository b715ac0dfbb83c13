/// How far one partition is read, and up to where: a value that decides by positions.
///
/// Records don't tell that an end is reached: transaction markers, aborted records and compaction
/// leave gaps, also right before it. An end is reached once nothing visible is left below it. That
/// is known from a record right before it, from a record behind it, or from the position at which
/// the log has nothing more (`PollResult.ends`).
public struct PartitionCursor: Hashable, Sendable {
  public let partition: TopicPartition
  /// Where reading begins.
  public let start: StartOffset
  /// Offset of the first record not to be read; `.max` for a partition that is followed.
  public let end: Int64
  /// The least offset that may still be read. Until something is known of a partition that is read
  /// from its beginning or from its end, that is 0.
  public private(set) var next: Int64
  /// Whether nothing more is wanted of the partition, wherever it stands.
  public private(set) var isAbandoned = false

  public init(_ partition: TopicPartition, from start: StartOffset, to end: Int64 = .max) {
    self.partition = partition
    self.start = start
    self.end = end
    next = start.offset
  }

  /// Whether nothing is left to read before the end.
  public var isAtEnd: Bool { next >= end }
  public var isFinished: Bool { isAtEnd || isAbandoned }

  /// Offsets from the start to the end, none for a partition that is followed, and those that have
  /// been passed.
  public var total: Int64 { end == .max ? 0 : max(0, end - start.offset) }
  public var passed: Int64 { max(0, min(next, end) - start.offset) }

  /// Moves past a record, and says whether it is wanted: one delivered again is not, nor is one
  /// behind the end.
  mutating func take(_ offset: Int64) -> Bool {
    guard offset >= next, !isAbandoned else { return false }
    guard offset < end else {
      next = end
      return false
    }
    next = offset + 1
    return true
  }

  /// Moves to where the log says that nothing visible is left before it.
  mutating func reach(_ offset: Int64) {
    next = max(next, min(offset, end))
  }

  mutating func rewind(to offset: Int64) { next = offset }

  mutating func abandon() { isAbandoned = true }
}

extension StartOffset {
  /// The least offset that reading may begin at.
  fileprivate var offset: Int64 {
    switch self {
    case .beginning, .end: 0
    case .at(let offset): offset
    }
  }
}
