public import Codecs
import Ratings

/// What a model is there for. One model at a time has each role.
public enum ModelRole: String, CaseIterable, Hashable, Sendable {
  /// It answers.
  case serving
  /// The newest one that is published and does not serve.
  case candidate
  /// It answers next to the serving one, and nobody sees it.
  case shadow

  /// The key of its records in `models`.
  public var key: String { self == .serving ? "promoted" : rawValue }

  init?(key: String) {
    guard let role = Self.allCases.first(where: { $0.key == key }) else { return nil }
    self = role
  }
}

/// A record of `models` whose key is a role: this model has the role from here on, for this reason.
public struct ModelPromotion: Hashable, Sendable {
  /// How many earlier models are remembered.
  public static let longestHistory = 20

  public var version: String
  /// The models that served before, the newest first: `rollback` returns to them. Empty for the
  /// other roles.
  public var previous: [String]
  /// One sentence; empty in records of earlier versions of the program.
  public var reason: String
  /// When it was decided, since 1970; `nil` in records of earlier versions of the program.
  public var milliseconds: Int64?

  public init(
    version: String, previous: [String] = [], reason: String = "", milliseconds: Int64? = nil
  ) {
    self.version = version
    self.previous = Array(previous.prefix(Self.longestHistory))
    self.reason = reason
    self.milliseconds = milliseconds
  }

  /// The promotion of the next model; the same one again for the model that serves.
  public func promoting(
    _ next: String, reason: String = "", milliseconds: Int64? = nil
  ) -> ModelPromotion {
    guard next != version else { return self }
    return ModelPromotion(
      version: next, previous: [version] + previous, reason: reason, milliseconds: milliseconds)
  }

  /// The promotion before this one; `nil` if none is remembered.
  public var rolledBack: ModelPromotion? {
    guard let version = previous.first else { return nil }
    return ModelPromotion(version: version, previous: Array(previous.dropFirst()))
  }

  public func write(to writer: inout JSONWriter) {
    writer.beginObject()
    writer.key("version")
    writer.string(version)
    writer.key("previous")
    writer.strings(previous)
    if !reason.isEmpty {
      writer.key("reason")
      writer.string(reason)
    }
    if let milliseconds {
      writer.key("at_ms")
      writer.integer(milliseconds)
    }
    writer.endObject()
  }

  public init(parsing value: RawSpan) throws(RecordError) {
    var parser = FlatJSONParser(fields: ["version", "previous", "reason", "at_ms"])
    try parser.parseRecord(value)
    guard let version = parser.string(0), ModelKey.isVersion(version) else {
      throw RecordError(missing: "version")
    }
    self.init(
      version: version, previous: parser.strings(1, limit: Self.longestHistory),
      reason: parser.string(2) ?? "", milliseconds: parser.integer(3))
  }
}
