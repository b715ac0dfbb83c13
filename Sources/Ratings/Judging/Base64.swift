import Codecs

/// Base64 (RFC 4648, section 4), as CloudEvents has it in `data_base64`.
enum Base64 {
  /// - Returns: `nil` for text that is not Base64.
  static func decode(_ text: RawSpan) -> [UInt8]? {
    var end = text.byteCount
    while end > 0, text.byte(at: end - 1) == UInt8(ascii: "=") { end -= 1 }
    guard text.byteCount - end <= 2, end % 4 != 1 else { return nil }
    var bytes: [UInt8] = []
    bytes.reserveCapacity(end / 4 * 3 + 2)
    var bits: UInt32 = 0
    for index in 0..<end {
      guard let digit = digit(text.byte(at: index)) else { return nil }
      bits = bits << 6 | UInt32(digit)
      // Six bits each: whole bytes are there after the second, third and fourth of four digits.
      let place = index % 4
      if place > 0 { bytes.append(UInt8(truncatingIfNeeded: bits >> UInt32(6 - 2 * place))) }
    }
    return bytes
  }

  private static func digit(_ character: UInt8) -> UInt8? {
    switch character {
    case 0x41...0x5A: character - 0x41
    case 0x61...0x7A: character - 0x61 + 26
    case 0x30...0x39: character - 0x30 + 52
    case UInt8(ascii: "+"): 62
    case UInt8(ascii: "/"): 63
    default: nil
    }
  }
}
