public import Streams

/// What a stage's stores hold: the engine's own table, and those the stage declares.
public struct StoreSchema: Hashable, Sendable {
  public let stage: StageDeclaration
  public let tables: [TableDeclaration]

  /// - Returns: `nil` for a stage without state.
  public init?(_ stage: StageDeclaration) {
    guard stage.isStateful else { return nil }
    self.stage = stage
    tables = [.meta] + stage.tables
  }

  public func table(named name: String) -> TableDeclaration? { tables.first { $0.name == name } }
}

extension TableDeclaration {
  /// The bytes of a key, or of the beginning of one: `42` begins all keys `42/…`.
  ///
  /// - Returns: `nil` for a text that is neither.
  public func key(_ text: String) -> [UInt8]? {
    if case .text = keys { return Array(text.utf8) }
    let parts = text.split(separator: "/", omittingEmptySubsequences: false).map { Int64($0) }
    switch (parts.first ?? nil, parts.count) {
    case (let first?, 1): return Self.bytes(StoreKey(first))
    case (let first?, 2):
      guard keys == .pair, let second = parts[1] else { return nil }
      return Self.bytes(StoreKey(first, second))
    default: return nil
    }
  }

  /// A key as text; its bytes in hexadecimal when they are none of this table's.
  public func text(ofKey key: RawSpan) -> String {
    switch keys {
    case .identifier: if let number = StoreKey.decode(key) { return "\(number)" }
    case .pair:
      if let (first, second) = StoreKey.decodePair(key) { return "\(first)/\(second)" }
    case .text:
      let text = key.withUnsafeBytes { String(validating: $0, as: UTF8.self) }
      if let text { return text }
    }
    return key.hexadecimal
  }

  /// An example of a key.
  public var example: String {
    switch keys {
    case .identifier: "42"
    case .pair: "42/1196"
    case .text(let text): text
    }
  }

  private static func bytes(_ key: borrowing StoreKey) -> [UInt8] { [UInt8](copying: key.span) }
}

extension RawSpan {
  /// Bytes that mean nothing to us: `0x` and two digits each.
  var hexadecimal: String { "0x" + withUnsafeBytes { Hexadecimal.text($0) } }
}
