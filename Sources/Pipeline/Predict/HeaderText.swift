import Codecs

/// Reads headers as clients write them: as plain text, as text in a JSON encoding (Spring before
/// 2.3, or with `encodeStrings`), with what shells and consoles leave at its ends, or in binary.
enum HeaderText {
  /// What Kafka allows in the name of a topic.
  private static let nameLengths = 1...249

  /// - Returns: `nil` for what can't be the name of a topic.
  static func topicName(_ bytes: [UInt8]) -> String? {
    let text = trimmed(bytes)
    guard nameLengths.contains(text.count), text.allSatisfy(isOfName) else { return nil }
    let name = String(decoding: text, as: UTF8.self)
    return name == "." || name == ".." ? nil : name
  }

  /// A number in decimal digits, or in four or eight bytes, big-endian.
  ///
  /// Digits come first: as bytes they would stand for more partitions than a topic can have.
  static func number(_ bytes: [UInt8]) -> Int64? {
    if let number = decimal(bytes) { return number }
    switch bytes.count {
    case 4: return Int64(Int32(truncatingIfNeeded: bigEndian(bytes)))
    case 8: return bigEndian(bytes)
    default: return nil
    }
  }

  /// - Returns: `nil` unless the text is a whole number.
  static func decimal(_ bytes: [UInt8]) -> Int64? {
    let text = trimmed(bytes)
    let isNegative = text.first == UInt8(ascii: "-")
    let digits = Array(isNegative ? text.dropFirst() : text)
    return DecimalText.parse(digits.span.bytes).map { isNegative ? -$0 : $0 }
  }

  /// The bytes without quotes, brackets, white space and a byte order mark around them.
  private static func trimmed(_ bytes: [UInt8]) -> ArraySlice<UInt8> {
    var text = bytes[...]
    if text.starts(with: byteOrderMark) { text = text.dropFirst(byteOrderMark.count) }
    text = text.drop(while: isAround)
    while let last = text.last, isAround(last) { text.removeLast() }
    return text
  }

  private static func isAround(_ byte: UInt8) -> Bool {
    switch byte {
    case 0...0x20, 0x7F, UInt8(ascii: "\""), UInt8(ascii: "'"), UInt8(ascii: "\\"),
      UInt8(ascii: "["), UInt8(ascii: "]"):
      true
    default: false
    }
  }

  private static func isOfName(_ byte: UInt8) -> Bool {
    switch byte {
    case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
      UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "."), UInt8(ascii: "_"),
      UInt8(ascii: "-"):
      true
    default: false
    }
  }

  private static func bigEndian(_ bytes: [UInt8]) -> Int64 {
    bytes.reduce(0) { $0 << 8 | Int64($1) }
  }

  /// The bytes as a log line shows them: text, or else hexadecimal digits, cut.
  static func shown(_ bytes: [UInt8]?) -> String {
    guard let bytes else { return "null" }
    return String(excerptOfTextOrBytes: bytes.span.bytes)
  }
}
