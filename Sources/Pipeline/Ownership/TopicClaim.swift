public import Codecs

/// Which application a set of topics belongs to: a record of the control topic.
public struct TopicClaim: Hashable, Sendable {
  /// Its key.
  public static let key = "owner"
  private static let formatVersion: Int64 = 1

  public var application: String
  /// The instance that made the claim; empty for a command.
  public var instance: String
  /// Since 1970.
  public var claimedMilliseconds: Int64

  public init(application: String, instance: String, claimedMilliseconds: Int64) {
    self.application = application
    self.instance = instance
    self.claimedMilliseconds = claimedMilliseconds
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
    writer.endObject()
  }

  /// Reads what `write` writes.
  public init(parsing value: RawSpan) throws(RecordError) {
    var parser = FlatJSONParser(fields: ["format", "application", "instance", "claimed_at_ms"])
    try parser.parseRecord(value)
    let format = try parser.require("format", parser.integer(0))
    guard format == Self.formatVersion else {
      throw RecordError("format \(format) is unknown, \(Self.formatVersion) is expected")
    }
    self.init(
      application: try parser.require("application", parser.string(1)),
      instance: try parser.require("instance", parser.string(2)),
      claimedMilliseconds: try parser.require("claimed_at_ms", parser.integer(3)))
  }
}
