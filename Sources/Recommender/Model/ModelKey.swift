public import Codecs

/// The key of a record of `models`.
public enum ModelKey: Hashable, Sendable {
  /// `<version>`: a model's metadata; null deletes the model.
  case metadata(version: String)
  /// `<version>/<number>`: a part of its factors.
  case part(version: String, number: Int)
  /// `promoted`: which model serves.
  case promotion

  private static let promotionText = "promoted"
  private static let longestVersion = 64

  /// - Returns: `nil` for anything else.
  public init?(_ bytes: RawSpan) {
    let text = bytes.withUnsafeBytes { String(validating: $0, as: UTF8.self) }
    guard let text else { return nil }
    if text == Self.promotionText {
      self = .promotion
      return
    }
    let fields = text.split(separator: "/", maxSplits: 1, omittingEmptySubsequences: false)
    guard let version = fields.first.map(String.init), Self.isVersion(version) else { return nil }
    guard fields.count == 2 else {
      self = .metadata(version: version)
      return
    }
    guard let number = Int(fields[1]), number >= 0, String(number) == fields[1] else { return nil }
    self = .part(version: version, number: number)
  }

  /// Whether a text can name a model: 1 to 64 letters, digits, dots, hyphens and underscores.
  public static func isVersion(_ text: String) -> Bool {
    guard (1...longestVersion).contains(text.utf8.count), text != promotionText else {
      return false
    }
    return text.utf8.allSatisfy { byte in
      switch byte {
      case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
        UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "."), UInt8(ascii: "-"),
        UInt8(ascii: "_"):
        true
      default: false
      }
    }
  }

  public var text: String {
    switch self {
    case .metadata(let version): version
    case .part(let version, let number): "\(version)/\(number)"
    case .promotion: Self.promotionText
    }
  }
}

/// The record `promoted` of `models`: this model serves from here on.
public struct ModelPromotion: Hashable, Sendable {
  /// How many earlier models are remembered.
  public static let longestHistory = 20

  public var version: String
  /// The models that served before, the newest first: `rollback` returns to them.
  public var previous: [String]

  public init(version: String, previous: [String] = []) {
    self.version = version
    self.previous = Array(previous.prefix(Self.longestHistory))
  }

  /// The promotion of the next model.
  public func promoting(_ next: String) -> ModelPromotion {
    next == version ? self : ModelPromotion(version: next, previous: [version] + previous)
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
    writer.beginArray()
    for version in previous { writer.string(version) }
    writer.endArray()
    writer.endObject()
  }

  public init(parsing value: RawSpan) throws(RecordError) {
    var parser = FlatJSONParser(fields: ["version", "previous"])
    try parser.parseRecord(value)
    guard let version = parser.string(0), ModelKey.isVersion(version) else {
      throw RecordError(missing: "version")
    }
    self.init(version: version, previous: parser.strings(1, limit: Self.longestHistory))
  }
}

extension FlatJSONParser {
  /// The texts in an array, at most `limit`.
  func strings(_ field: Int, limit: Int) -> [String] {
    var texts: [String] = []
    _ = forEachElement(field, limit: limit) { _, text in
      if let text { texts.append(String(copyingUTF8: text)) }
    }
    return texts
  }
}
