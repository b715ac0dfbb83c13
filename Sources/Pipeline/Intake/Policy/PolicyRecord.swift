public import Codecs
public import Ratings

/// Where a policy begins to hold: the key of a record of the control topic. Its value is the
/// policy, or null for none.
public struct PolicyPlace: Hashable, Sendable {
  private static let kind = "intake"
  private static let separator: Character = ":"

  /// Of the intake stage that judges by it: each application has its own.
  public let group: String
  /// Of `user-ratings`.
  public let partition: Int32
  /// The first offset for which it holds.
  public let offset: Int64

  public init(group: String, partition: Int32, offset: Int64) {
    self.group = group
    self.partition = partition
    self.offset = offset
  }

  /// `intake:GROUP:PARTITION:OFFSET`
  public var key: [UInt8] { Array("\(Self.kind):\(group):\(partition):\(offset)".utf8) }

  /// - Returns: `nil` for the key of another kind of record.
  public init?(key: RawSpan) {
    let parts = String(decoding: [UInt8](copying: key), as: UTF8.self)
      .split(separator: Self.separator, omittingEmptySubsequences: false)
    guard parts.count == 4, parts[0] == Self.kind, let partition = Int32(parts[2]),
      let offset = Int64(parts[3]), partition >= 0, offset >= 0
    else { return nil }
    self.init(group: String(parts[1]), partition: partition, offset: offset)
  }
}

/// The value of such a record:
/// `{"format":1,"rules":2,"accept":["epoch_milliseconds"],"time_zone":"Europe/Berlin"}`.
public struct PolicyFormat: ~Copyable {
  private static let version: Int64 = 1
  private static let mostNames = 256

  private var parser = FlatJSONParser(fields: ["format", "rules", "accept", "time_zone"])

  public init() {}

  public static func write(_ policy: IntakePolicy, to writer: inout JSONWriter) {
    writer.beginObject()
    writer.key("format")
    writer.integer(version)
    writer.key("rules")
    writer.integer(policy.rules.rawValue)
    writer.key("accept")
    writer.beginArray()
    for coercion in policy.accepts { writer.string(literal: coercion.name) }
    writer.endArray()
    writer.key("time_zone")
    writer.string(policy.timeZone)
    writer.endObject()
  }

  /// Reads what `write` writes.
  public mutating func read(_ value: RawSpan) throws(RecordError) -> IntakePolicy {
    try parser.parseRecord(value)
    let format = try parser.require("format", parser.integer(0))
    guard format == Self.version else {
      throw RecordError("format \(format) is unknown, \(Self.version) is expected")
    }
    let number = try parser.require("rules", parser.integer(1))
    guard let rules = RuleEdition(rawValue: Int(number)) else {
      throw RecordError("an edition \(number) of the rules is unknown")
    }
    return IntakePolicy(
      rules: rules, accepts: try accepts(),
      timeZone: try parser.require("time_zone", parser.string(3)))
  }

  private func accepts() throws(RecordError) -> CoercionSet {
    guard parser.kind(2) == .array else { throw RecordError(missing: "accept") }
    var accepts = CoercionSet()
    var unknown: String?
    let count = parser.forEachElement(2, limit: Self.mostNames) { _, text in
      var name = ""
      if let text { name = String(copyingUTF8: text) }
      if let coercion = Coercion(name: name) { accepts.insert(coercion) } else { unknown = name }
    }
    if count > Self.mostNames { throw RecordError("accept has more than \(Self.mostNames) names") }
    if let unknown { throw RecordError("a coercion \"\(unknown)\" is unknown") }
    return accepts
  }
}
