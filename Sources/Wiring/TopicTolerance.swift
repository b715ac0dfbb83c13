import Configuration

/// Which differences from a topic's declaration the stages can live with: managed clusters set some
/// properties themselves.
struct TopicTolerance: Hashable, Sendable {
  /// Whether records may be deleted sooner than declared.
  var acceptsRetention = false

  /// The least size of a record batch that every topic must take: Kafka's default is a little more,
  /// producers fill batches of a quarter of it, and few records are larger.
  static let leastMessageBytes = 1_000_000

  /// Why the stages can run on what they find; `nil` if they can't.
  func excuse(_ property: String, found: String, wanted: String) -> String? {
    switch property {
    case "max.message.bytes":
      guard let found = Int(found), found >= Self.leastMessageBytes else { return nil }
      return found < Int(wanted) ?? .max
        ? "larger dead letters come without their value, which stays in user-ratings"
        : "larger records than declared are taken"
    case "retention.ms", "retention.bytes":
      if Self.isForever(found) || !Self.isForever(wanted) && Self.isLess(wanted, than: found) {
        return "more is kept than declared"
      }
      return acceptsRetention
        ? "what is deleted can't be replayed or verified (topics.accept_retention)" : nil
    case "delete.retention.ms":
      return Self.isLess(wanted, than: found) ? "tombstones stay longer" : nil
    case "min.compaction.lag.ms":
      return Self.isLess(wanted, than: found)
        ? "compaction waits longer"
        : "at least once, what a crash leaves behind may hide older values from a rebuild"
    case "segment.bytes", "min.cleanable.dirty.ratio":
      return "compaction comes at another pace"
    default: return nil
    }
  }

  private static func isForever(_ limit: String) -> Bool { limit.hasPrefix("-") }

  private static func isLess(_ a: String, than b: String) -> Bool {
    guard let a = Double(a), let b = Double(b) else { return false }
    return a < b
  }
}

extension DeclaredTopic {
  /// What a cluster may refuse to set: the stages can live with its own value, or look at what they
  /// get. Everything else is declared because they depend on it.
  static let dispensable: Set<String> = [
    "max.message.bytes", "message.timestamp.after.max.ms", "min.cleanable.dirty.ratio",
    "min.compaction.lag.ms", "retention.bytes", "retention.ms", "segment.bytes",
  ]
}
