import Codecs

/// How a file's bytes stand for text.
enum TextEncoding: Hashable {
  /// Also Latin-1, field by field, where bytes are not UTF-8.
  case utf8
  case utf16(isBigEndian: Bool)

  var name: String {
    switch self {
    case .utf8: "UTF-8"
    case .utf16(let isBigEndian): "UTF-16 \(isBigEndian ? "big" : "little")-endian"
    }
  }

  /// The encoding by the file's first bytes, and the length of its byte-order mark.
  static func detect(_ head: [UInt8]) -> (encoding: TextEncoding, markLength: Int) {
    if head.starts(with: byteOrderMark) { return (.utf8, byteOrderMark.count) }
    if head.starts(with: [0xFF, 0xFE]) { return (.utf16(isBigEndian: false), 2) }
    if head.starts(with: [0xFE, 0xFF]) { return (.utf16(isBigEndian: true), 2) }
    // Without a mark: the names and numbers of a first line are ASCII, half of each unit is zero.
    let line = head.prefix(64)
    guard line.count >= 8, line.count % 2 == 0 else { return (.utf8, 0) }
    let zeros = line.enumerated().reduce(into: [0, 0]) {
      $0[$1.offset % 2] += $1.element == 0 ? 1 : 0
    }
    if zeros[1] == line.count / 2, zeros[0] == 0 { return (.utf16(isBigEndian: false), 0) }
    if zeros[0] == line.count / 2, zeros[1] == 0 { return (.utf16(isBigEndian: true), 0) }
    return (.utf8, 0)
  }
}

/// Turns UTF-16 into UTF-8, chunk by chunk.
struct UTF16Decoder {
  let isBigEndian: Bool
  /// The first byte of a unit whose second is in the next chunk.
  private var half: UInt8?
  /// The first of a pair of surrogates.
  private var high: UInt16?

  init(isBigEndian: Bool) {
    self.isBigEndian = isBigEndian
  }

  mutating func decode(_ bytes: some Sequence<UInt8>, into text: inout [UInt8]) {
    for byte in bytes {
      guard let first = half else {
        half = byte
        continue
      }
      half = nil
      let (top, bottom) = isBigEndian ? (first, byte) : (byte, first)
      take(UInt16(top) << 8 | UInt16(bottom), &text)
    }
  }

  /// Writes what stands for an unfinished end.
  mutating func finish(into text: inout [UInt8]) {
    if half != nil || high != nil { Self.append("\u{FFFD}", &text) }
    (half, high) = (nil, nil)
  }

  private mutating func take(_ unit: UInt16, _ text: inout [UInt8]) {
    if let first = high {
      high = nil
      if (0xDC00...0xDFFF).contains(unit) {
        let code = 0x10000 + (UInt32(first) - 0xD800) << 10 + (UInt32(unit) - 0xDC00)
        return Self.append(Unicode.Scalar(code) ?? "\u{FFFD}", &text)
      }
      Self.append("\u{FFFD}", &text)
    }
    if (0xD800...0xDBFF).contains(unit) {
      high = unit
    } else {
      Self.append(Unicode.Scalar(unit) ?? "\u{FFFD}", &text)
    }
  }

  private static func append(_ scalar: Unicode.Scalar, _ text: inout [UInt8]) {
    if scalar.value < 0x80 {
      text.append(UInt8(scalar.value))
    } else {
      text.append(contentsOf: String(Character(scalar)).utf8)
    }
  }
}

/// Latin-1 as it is written in practice: with Windows-1252's characters where Latin-1 has controls.
/// Source: the Encoding standard's index of windows-1252, https://encoding.spec.whatwg.org
enum Latin1 {
  private static let from80 = Array(
    "€\u{81}‚ƒ„…†‡ˆ‰Š‹Œ\u{8D}Ž\u{8F}\u{90}‘’“”•–—˜™š›œ\u{9D}žŸ".unicodeScalars)

  static func text(_ bytes: [UInt8]) -> String {
    String(
      String.UnicodeScalarView(
        bytes.map {
          (0x80..<0xA0).contains($0) ? from80[Int($0) - 0x80] : Unicode.Scalar($0)
        }))
  }
}
