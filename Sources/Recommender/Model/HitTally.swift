public import Codecs

/// How a model fares as a shadow: how often the next rating of a user who was shown a list is of
/// one of its ten best movies, for the list shown and for the one that the shadow would have shown.
///
/// It is also the record `<version>/hits/<partition>` of `models`, for one partition of the users.
public struct HitTally: Hashable, Sendable {
  /// What one of the two models has hit.
  public struct Hits: Hashable, Sendable {
    public var all: Int64 = 0
    /// Those rated at the user's mean or above.
    public var liked: Int64 = 0

    public init() {}
  }

  /// The model whose lists were shown.
  public var against: String
  /// Lists that a rating has followed.
  public var judged: Int64 = 0
  public var live = Hits()
  public var shadow = Hits()

  public init(against: String) {
    self.against = against
  }

  public mutating func add(_ other: HitTally) {
    judged += other.judged
    live.all += other.live.all
    live.liked += other.live.liked
    shadow.all += other.shadow.all
    shadow.liked += other.shadow.liked
  }

  private static let formatVersion: Int64 = 1
  private static let names: [StaticString] = [
    "hits_against", "judged", "live_hits", "live_liked_hits", "shadow_hits", "shadow_liked_hits",
  ]

  /// Writes the record's value.
  public func write(to writer: inout JSONWriter) {
    writer.beginObject()
    writer.key("format")
    writer.integer(Self.formatVersion)
    writeFields(to: &writer)
    writer.endObject()
  }

  func writeFields(to writer: inout JSONWriter) {
    writer.key(Self.names[0])
    writer.string(against)
    let values = [judged, live.all, live.liked, shadow.all, shadow.liked]
    for (name, value) in zip(Self.names.dropFirst(), values) {
      writer.key(name)
      writer.integer(value)
    }
  }

  /// Reads what `write` writes.
  public init(parsing value: RawSpan) throws(RecordError) {
    var parser = FlatJSONParser(fields: ["format"])
    try parser.parseRecord(value)
    let format = try parser.require("format", parser.integer(0))
    guard format == Self.formatVersion, let tally = try HitTally(fieldsOf: value) else {
      throw RecordError("format \(format) is unknown, \(Self.formatVersion) is expected")
    }
    self = tally
  }

  /// - Returns: `nil` if the object has none of them.
  init?(fieldsOf value: RawSpan) throws(RecordError) {
    var parser = FlatJSONParser(fields: Self.names)
    try parser.parseRecord(value)
    guard let against = parser.string(0) else { return nil }
    self.init(against: against)
    func count(_ field: Int) throws(RecordError) -> Int64 {
      Int64(try parser.count(field, Self.names[field]))
    }
    judged = try count(1)
    live.all = try count(2)
    live.liked = try count(3)
    shadow.all = try count(4)
    shadow.liked = try count(5)
  }
}
