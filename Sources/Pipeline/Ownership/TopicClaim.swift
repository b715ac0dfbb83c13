public import Codecs
public import Streams

/// Which application a set of topics belongs to, and how many of their partitions are used: a
/// record of the control topic.
public struct TopicClaim: Hashable, Sendable {
  /// Its key.
  public static let key = "owner"
  private static let formatVersion: Int64 = 1
  /// The groups of topics whose partitions are counted.
  private static let counted: [StaticString] = ["topics.partitions", "topics.movie_partitions"]

  public var application: String
  /// The instance that made the claim; empty for a command.
  public var instance: String
  /// Since 1970.
  public var claimedMilliseconds: Int64
  /// By these keys are placed. Claims of earlier versions say nothing of them.
  public var counts: PartitionCounts

  public init(
    application: String, instance: String, claimedMilliseconds: Int64,
    counts: PartitionCounts = PartitionCounts()
  ) {
    self.application = application
    self.instance = instance
    self.claimedMilliseconds = claimedMilliseconds
    self.counts = counts
  }

  /// Writes the record's value.
  public func write(to writer: inout JSONWriter) {
    writer.beginObject()
    writer.key("format")
    writer.integer(Self.formatVersion)
    writer.key("application")
    writer.string(application)
    writer.key("instance")
    writer.string(instance)
    writer.key("claimed_at_ms")
    writer.integer(claimedMilliseconds)
    for group in Self.counted {
      guard let count = counts.byGroup[group.description] else { continue }
      writer.key(group)
      writer.integer(count)
    }
    writer.endObject()
  }

  /// Whether another version of the program has written a claim: it may mean something else.
  static func isOfOtherFormat(_ value: RawSpan) -> Bool {
    var parser = FlatJSONParser(fields: ["format"])
    do throws(RecordError) { try parser.parseRecord(value) } catch { return false }
    return parser.integer(0).map { $0 > formatVersion } ?? false
  }

  /// Reads what `write` writes.
  public init(parsing value: RawSpan) throws(RecordError) {
    var parser = FlatJSONParser(
      fields: ["format", "application", "instance", "claimed_at_ms"] + Self.counted)
    try parser.parseRecord(value)
    let format = try parser.require("format", parser.integer(0))
    guard format == Self.formatVersion else {
      throw RecordError("format \(format) is unknown, \(Self.formatVersion) is expected")
    }
    self.init(
      application: try parser.require("application", parser.string(1)),
      instance: try parser.require("instance", parser.string(2)),
      claimedMilliseconds: try parser.require("claimed_at_ms", parser.integer(3)))
    for (number, group) in Self.counted.enumerated() {
      guard let count = parser.integer(4 + number) else { continue }
      guard let count = Int32(exactly: count), count > 0 else {
        throw RecordError("\(group) can't be \(count)")
      }
      counts.byGroup[group.description] = count
    }
  }
}
