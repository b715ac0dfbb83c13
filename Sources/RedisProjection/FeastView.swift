/// A Feast feature view: its fields in an entity's hash.
///
/// Source: Feast, `infra/online_stores/helpers.py` (`_mmh3`) and `redis.py`. All views with the
/// same join keys share one hash. Feast ignores unknown fields, such as the fence.
public struct FeastView: Sendable {
  public let name: String
  /// Names of the features, in the order of the values.
  public let features: [String]
  /// Each feature's hash field: four bytes, little-endian murmur3 of "view:feature".
  public let fields: [[UInt8]]
  /// The field of the values' event time.
  public let timestampField: [UInt8]
  /// The field of the newest write's `Fence`.
  public let fenceField: [UInt8]

  public init(_ name: String, features: [String]) {
    self.name = name
    self.features = features
    fields = features.map { feature in
      let text = Array("\(name):\(feature)".utf8)
      var field: [UInt8] = []
      unsafe field.appendLittleEndian(murmur3x86(text.span.bytes))
      return field
    }
    timestampField = Array("_ts:\(name)".utf8)
    fenceField = Array("_fence:\(name)".utf8)
  }
}

/// Where the rows of a feature view are in Redis, and what is in them.
public struct FeastLayout: Sendable {
  public let key: FeastKey
  public let fields: FeastView

  public init(key: FeastKey, fields: FeastView) {
    self.key = key
    self.fields = fields
  }
}

/// Orders writes of features: only a newer one replaces another.
public struct Fence: Hashable, Sendable, Comparable {
  /// The run of the log through the code that made the features.
  public var generation: UInt64
  /// The offset of the record that carried them, not negative.
  public var offset: Int64

  public init(generation: UInt64, offset: Int64) {
    self.generation = generation
    self.offset = offset
  }

  public static func < (a: Fence, b: Fence) -> Bool {
    (a.generation, a.offset) < (b.generation, b.offset)
  }

  /// Digits of each number, enough for the largest.
  private static let width = 20
  static let byteCount = 2 * width + 1

  /// Appends "generation:offset" with leading zeros, so that the texts sort like the numbers, for
  /// all 64 bits. Lua's numbers are exact only up to 2^53.
  func append(to bytes: inout [UInt8]) {
    precondition(offset >= 0)
    Self.append(generation, to: &bytes)
    bytes.append(UInt8(ascii: ":"))
    Self.append(UInt64(offset), to: &bytes)
  }

  private static func append(_ number: UInt64, to bytes: inout [UInt8]) {
    let start = bytes.count
    bytes.append(contentsOf: repeatElement(UInt8(ascii: "0"), count: width))
    var rest = number
    var position = start + width
    while rest != 0 {
      position -= 1
      bytes[position] += UInt8(rest % 10)
      rest /= 10
    }
  }

  /// Reads what `append` writes; `nil` for anything else.
  init?(serialized bytes: RawSpan) {
    let parts = unsafe bytes.withUnsafeBytes { unsafe String(decoding: $0, as: UTF8.self) }
      .split(separator: ":", omittingEmptySubsequences: false)
    guard parts.count == 2, let generation = UInt64(parts[0]), let offset = Int64(parts[1]) else {
      return nil
    }
    self.init(generation: generation, offset: offset)
  }
}
