extension String {
  /// The beginning of bytes from outside, to show a person: valid UTF-8 without control characters,
  /// with "…" where it was cut.
  ///
  /// - Parameter limit: the most characters.
  package init(excerptOf bytes: RawSpan, limit: Int = 64) {
    var end = Swift.min(bytes.byteCount, limit * 4)
    // Not in the middle of a character.
    while end > 0, end < bytes.byteCount, bytes.byte(at: end) & 0xC0 == 0x80 { end -= 1 }
    let text = String(copyingUTF8: bytes.extracting(0..<end))
    self.init(excerptOf: text, limit: limit, isCut: end < bytes.byteCount)
  }

  /// The beginning of bytes from outside: as text, or in hexadecimal digits if they are none.
  package init(excerptOfTextOrBytes bytes: RawSpan) {
    let most = 20
    let beginning = bytes.extracting(0..<Swift.min(bytes.byteCount, most))
    let shown = String(excerptOf: beginning, limit: most)
    guard shown.unicodeScalars.dropLast().contains("\u{FFFD}") else {
      self.init(excerptOf: bytes)
      return
    }
    let digits = (0..<beginning.byteCount).map { index in
      let byte = beginning.byte(at: index)
      return (byte < 16 ? "0" : "") + String(byte, radix: 16)
    }
    self = digits.joined(separator: " ") + (bytes.byteCount > most ? " …" : "")
  }

  /// The beginning of a text from outside, to show a person.
  package init(excerptOf text: String, limit: Int = 64) {
    self.init(excerptOf: text, limit: limit, isCut: false)
  }

  private init(excerptOf text: String, limit: Int, isCut: Bool) {
    var shown = String.UnicodeScalarView()
    var isCut = isCut
    for scalar in text.unicodeScalars {
      guard shown.count < limit else {
        isCut = true
        break
      }
      let isControl = scalar.value < 0x20 || (0x7F..<0xA0).contains(scalar.value)
      shown.append(isControl ? "\u{FFFD}" : scalar)
    }
    if isCut { shown.append("…") }
    self.init(shown)
  }
}

extension RawSpan {
  package func begins(with prefix: [UInt8]) -> Bool {
    guard byteCount >= prefix.count else { return false }
    for index in 0..<prefix.count where byte(at: index) != prefix[index] { return false }
    return true
  }
}
