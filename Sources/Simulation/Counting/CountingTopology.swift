public import Streams

/// The counting stage as a declaration, and the topology of it alone.
extension StageDeclaration {
  public static let count = StageDeclaration(
    "count", inputs: [.events], outputs: [Output(.tallies)],
    tables: [
      TableDeclaration(
        .tallies, "tallies", keys: .text("0-3"), values: TableDeclaration.Values("tally"),
        "key: count and sum")
    ])
}

extension TopicDeclaration {
  public static let events = TopicDeclaration(
    "events", .shared, partitions: .group("events"), outsideWriters: ["users"])
  public static let tallies = TopicDeclaration("tallies", partitions: .fixed(2))
}
