/// A 64-bit digest that detects damaged or mixed-up bytes; no defence against forgery.
///
/// FNV-1a, http://www.isthe.com/chongo/tech/comp/fnv.
public struct Checksum: Hashable, Sendable, CustomStringConvertible {
  public private(set) var value: UInt64 = 0xcbf2_9ce4_8422_2325

  /// The digest of nothing.
  public init() {}

  public init(of bytes: RawSpan) {
    update(bytes)
  }

  /// - Returns: `nil` unless the text is 16 hexadecimal digits.
  public init?(text: RawSpan) {
    guard text.byteCount == 16 else { return nil }
    value = 0
    for index in 0..<16 {
      let byte = text.unsafeLoad(fromByteOffset: index, as: UInt8.self)
      let digit: UInt8
      switch byte {
      case UInt8(ascii: "0")...UInt8(ascii: "9"): digit = byte - UInt8(ascii: "0")
      case UInt8(ascii: "a")...UInt8(ascii: "f"): digit = byte - UInt8(ascii: "a") + 10
      default: return nil
      }
      value = value << 4 | UInt64(digit)
    }
  }

  /// Adds more bytes.
  public mutating func update(_ bytes: RawSpan) {
    var hash = value
    bytes.withUnsafeBytes { bytes in
      for byte in bytes {
        hash = (hash ^ UInt64(byte)) &* 0x100_0000_01b3
      }
    }
    value = hash
  }

  /// Adds a number, little-endian.
  mutating func update(_ number: UInt64) {
    var number = number.littleEndian
    withUnsafeBytes(of: &number) { update(RawSpan(_unsafeBytes: $0)) }
  }

  /// 16 hexadecimal digits.
  public var description: String {
    let digits = String(value, radix: 16)
    return String(repeating: "0", count: 16 - digits.count) + digits
  }
}
