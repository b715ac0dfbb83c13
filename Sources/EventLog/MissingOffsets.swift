/// What a partition lacks of the offsets somebody wants to read.
public enum MissingOffsets: Hashable, Sendable {
  /// It begins later, at this offset: retention has deleted what was before.
  case beginning(Int64)
  /// It ends earlier, at this offset: the topic was recreated or truncated.
  case end(Int64)

  /// - Parameter held: what the partition has; see `LogConsumer.offsets(of:)`.
  /// - Returns: `nil` when all is there. An empty range is there if it is within what the partition
  ///   has, or at its end.
  public static func of(from start: Int64, to end: Int64, in held: Range<Int64>) -> MissingOffsets?
  {
    if start < held.lowerBound { return .beginning(held.lowerBound) }
    if end > held.upperBound { return .end(held.upperBound) }
    return nil
  }
}
