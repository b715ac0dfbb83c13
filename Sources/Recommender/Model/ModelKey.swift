import Codecs

/// The key of a record of `models`.
public enum ModelKey: Hashable, Sendable {
  /// `<version>`: a model's metadata; null deletes the model.
  case metadata(version: String)
  /// `<version>/<number>`: a part of its factors.
  case part(version: String, number: Int)
  /// `<version>/verdict`: why the model was promoted, or was not.
  case verdict(version: String)
  /// `<version>/hits/<partition>`: how the model fared as a shadow, in a partition of the users.
  case hits(version: String, partition: Int32)
  /// `<version>/recipe`: the metadata of a deleted model, by which it can be trained again.
  case recipe(version: String)
  /// `promoted`, `candidate` or `shadow`: which model that is.
  case role(ModelRole)

  private static let longestVersion = 64

  /// - Returns: `nil` for anything else.
  public init?(_ bytes: RawSpan) {
    let text = bytes.withUnsafeBytes { String(validating: $0, as: UTF8.self) }
    guard let text else { return nil }
    if let role = ModelRole(key: text) {
      self = .role(role)
      return
    }
    let fields = text.split(separator: "/", maxSplits: 2, omittingEmptySubsequences: false)
    guard let version = fields.first.map(String.init), Self.isVersion(version) else { return nil }
    switch (fields.dropFirst().first, fields.dropFirst(2).first) {
    case (nil, _): self = .metadata(version: version)
    case ("verdict", nil): self = .verdict(version: version)
    case ("recipe", nil): self = .recipe(version: version)
    case ("hits", let partition?):
      guard let partition: Int32 = Self.number(partition) else { return nil }
      self = .hits(version: version, partition: partition)
    case (let number?, nil):
      guard let number: Int = Self.number(number) else { return nil }
      self = .part(version: version, number: number)
    default: return nil
    }
  }

  /// A number of 0 or more as `text` writes it.
  private static func number<Number: FixedWidthInteger>(_ text: Substring) -> Number? {
    guard let number = Number(text), number >= 0, String(number) == text else { return nil }
    return number
  }

  /// Whether a text can name a model: 1 to 64 letters, digits, dots, hyphens and underscores.
  public static func isVersion(_ text: String) -> Bool {
    guard (1...longestVersion).contains(text.utf8.count), ModelRole(key: text) == nil else {
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
    case .verdict(let version): "\(version)/verdict"
    case .hits(let version, let partition): "\(version)/hits/\(partition)"
    case .recipe(let version): "\(version)/recipe"
    case .role(let role): role.key
    }
  }

  /// The model that the record is part of, or says something about; `nil` for a role, which any
  /// model may have.
  public var version: String? {
    switch self {
    case .metadata(let version), .part(let version, _), .verdict(let version),
      .hits(let version, _), .recipe(let version):
      version
    case .role: nil
    }
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
