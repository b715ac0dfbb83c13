/// What the committer of a group's offset says about itself, as the protocol's offset metadata.
///
/// Every commit of ours carries one. Kafka's own tools and other consumers leave it empty or write
/// something else, so an offset without one was set by somebody else.
public enum OffsetStamp: Hashable, Sendable {
  /// Who has the partition. Also what somebody else writes: their forms tell them apart.
  case owned(by: String)
  /// Who gave the partition up cleanly: no transaction is open on it.
  case released(by: String)
  /// Somebody accepts the offset, wherever the reader stood before.
  case accepted

  private static let releasedPrefix = "released by "
  private static let acceptedText = "accepted by projectionist offsets accept"

  /// - Returns: `nil` for empty metadata.
  public init?(_ metadata: String) {
    guard !metadata.isEmpty else { return nil }
    if metadata == Self.acceptedText {
      self = .accepted
    } else if metadata.hasPrefix(Self.releasedPrefix) {
      self = .released(by: String(metadata.dropFirst(Self.releasedPrefix.count)))
    } else {
      self = .owned(by: metadata)
    }
  }

  public var text: String {
    switch self {
    case .owned(let name): name
    case .released(let name): Self.releasedPrefix + name
    case .accepted: Self.acceptedText
    }
  }
}

/// An offset that is committed to a group.
public struct GroupOffset: Hashable, Sendable {
  /// Of the next record to read.
  public var offset: Int64
  public var stamp: OffsetStamp?

  public init(_ offset: Int64, _ stamp: OffsetStamp?) {
    self.offset = offset
    self.stamp = stamp
  }
}
