/// A number of JSON.
package enum JSONNumber: Hashable, Sendable {
  case integer(Int64)
  case real(Double)
  /// Well-formed, and beyond `Int64` or `Double`.
  case outOfRange

  /// Reads a number in the form that JSON has for it (RFC 8259, section 6), with blanks around it.
  /// Such a text is what a producer makes of a number that its JSON library does not know.
  ///
  /// - Returns: `nil` for any other text, such as one with leading zeros or a decimal comma.
  package init?(text: RawSpan) {
    var start = 0
    var end = text.byteCount
    while start < end, text.byte(at: start) == UInt8(ascii: " ") { start += 1 }
    while end > start, text.byte(at: end - 1) == UInt8(ascii: " ") { end -= 1 }
    let number = text.extracting(start..<end)
    // Longer ones are numbers all the same, but nobody's ids, times or ratings.
    guard (1...64).contains(number.byteCount), let isWhole = Self.isWhole(number) else {
      return nil
    }
    let text = String(copyingUTF8: number)
    if isWhole {
      self = Int64(text).map { .integer($0) } ?? .outOfRange
    } else {
      guard let value = Double(text) else { return nil }
      self = value.isFinite ? .real(value) : .outOfRange
    }
  }

  /// Whether a number has neither a fraction nor an exponent; `nil` if it is no number.
  private static func isWhole(_ text: RawSpan) -> Bool? {
    var at = 0
    func digits() -> Int {
      let start = at
      while at < text.byteCount, (0x30...0x39).contains(text.byte(at: at)) { at += 1 }
      return at - start
    }
    func skip(_ characters: UInt8...) -> Bool {
      guard at < text.byteCount, characters.contains(text.byte(at: at)) else { return false }
      at += 1
      return true
    }
    _ = skip(UInt8(ascii: "-"))
    let first = at
    let count = digits()
    guard count > 0, count == 1 || text.byte(at: first) != UInt8(ascii: "0") else { return nil }
    var isWhole = true
    if skip(UInt8(ascii: ".")) {
      isWhole = false
      guard digits() > 0 else { return nil }
    }
    if skip(UInt8(ascii: "e"), UInt8(ascii: "E")) {
      isWhole = false
      _ = skip(UInt8(ascii: "+"), UInt8(ascii: "-"))
      guard digits() > 0 else { return nil }
    }
    return at == text.byteCount ? isWhole : nil
  }
}
