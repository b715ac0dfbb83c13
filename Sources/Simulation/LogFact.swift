public import EventLog

/// Something that has become certain in the log. Checkers fold these facts in order.
///
/// A transaction is certain once it is decided, before its markers make it visible.
public enum LogFact: Sendable {
  /// A record that belongs to no transaction.
  case record(PlacedRecord)
  /// A transaction was committed: its records in order of arrival, and its offsets.
  case transaction(id: String, records: [PlacedRecord], offsets: CommittedOffsets?)
  /// Offsets were committed without a transaction.
  case offsets(CommittedOffsets)
}

/// A record and its place.
public struct PlacedRecord: Sendable {
  public var place: TopicPartition
  public var record: MemoryRecord
}

/// Offsets committed to a group.
public struct CommittedOffsets: Sendable {
  public var group: String
  /// `nil` where somebody else has committed them.
  public var stamp: OffsetStamp?
  public var offsets: [TopicPartition: Int64]

  /// The instance that committed them; `nil` for nobody.
  public var owner: String? {
    guard case .owned(let name)? = stamp else { return nil }
    return name
  }
}
