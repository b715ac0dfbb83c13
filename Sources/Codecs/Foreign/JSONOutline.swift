/// The outline of a text that is nearly JSON: what a person would see in it at once.
struct JSONOutline {
  private var first: UInt8?
  /// Where the first value ends, if it does.
  private var end: Int?
  private var depth = 0
  private var isOpenText = false
  private var hasSingleQuote = false
  private var hasBareKey = false
  private var hasComment = false
  private var hasTrailingComma = false
  private var isValidText = true
  private var word: String?
  private var malformedNumber: String?
  /// The first character of a typesetter's outside of texts.
  private var typographic: Unicode.Scalar?
  private var deepest = 0

  /// The first byte after the first value that is neither blank nor NUL.
  private var rest: UInt8?
  private var endsWithNUL = false

  /// Words of programming languages that stand where a JSON value belongs.
  private static let words: [StaticString] = [
    "NaN", "nan", "Infinity", "-Infinity", "inf", "None", "True", "False", "undefined",
    "Decimal", "datetime", "Timestamp", "ObjectId", "NULL", "nil",
  ]
  /// They are looked for in so many bytes: a text of millions of words has other troubles.
  private static let beginning = 4096
  /// Longer ones are not looked at.
  private static let longestNumber = 32

  mutating func scan(_ value: RawSpan) {
    isValidText = value.isUTF8
    var index = 0
    var before: UInt8 = 0
    while index < value.byteCount {
      let byte = value.byte(at: index)
      guard !byte.isBlank else {
        index += 1
        continue
      }
      if end != nil {
        if byte == 0 {
          endsWithNUL = true
        } else if rest == nil {
          rest = byte
          _ = takeCharacter(from: index, in: value)
        }
        if rest != nil { return }
        index += 1
        continue
      }
      if first == nil { first = byte }
      index = take(byte, at: index, after: before, in: value)
      before = byte
    }
  }

  /// Returns where to go on.
  private mutating func take(
    _ byte: UInt8, at index: Int, after before: UInt8, in value: RawSpan
  ) -> Int {
    switch byte {
    case UInt8(ascii: "\""):
      let next = value.endOfText(from: index + 1)
      isOpenText = next == nil
      if depth == 0 { end = next }
      return next ?? value.byteCount
    case UInt8(ascii: "{"), UInt8(ascii: "["):
      depth += 1
      deepest = max(deepest, depth)
    case UInt8(ascii: "}"), UInt8(ascii: "]"):
      if before == UInt8(ascii: ",") { hasTrailingComma = true }
      depth -= 1
      if depth <= 0 { end = index + 1 }
    case UInt8(ascii: "'"):
      hasSingleQuote = true
    case UInt8(ascii: "/"), UInt8(ascii: "#"):
      hasComment = true
    default:
      if byte.isLetter {
        if before == UInt8(ascii: "{") { hasBareKey = true }
        return takeWord(from: index, in: value)
      }
      if byte.beginsNumber { return takeNumber(from: index, in: value) }
      if byte < 0x20 || byte >= 0xC2 { return takeCharacter(from: index, in: value) }
    }
    return index + 1
  }

  private mutating func takeNumber(from start: Int, in value: RawSpan) -> Int {
    var next = start + 1
    if value.byte(at: start) == UInt8(ascii: "-"), next < value.byteCount,
      value.byte(at: next).isLetter
    {
      // `-Infinity` is a word.
      return next
    }
    while next < value.byteCount, value.byte(at: next).continuesNumber { next += 1 }
    // One at the very end was cut off, and people write what they like in comments.
    let isWhole = next < value.byteCount && !hasComment
    guard isWhole, malformedNumber == nil, next - start <= Self.longestNumber else { return next }
    let token = value.extracting(start..<next)
    if JSONNumber(text: token) == nil { malformedNumber = String(excerptOf: token) }
    return next
  }

  private mutating func takeCharacter(from start: Int, in value: RawSpan) -> Int {
    let lengths: [(first: UInt8, count: Int)] = [(0xF0, 4), (0xE0, 3), (0xC2, 2), (0, 1)]
    let count = lengths.first { value.byte(at: start) >= $0.first }?.count ?? 1
    let next = min(start + count, value.byteCount)
    guard isValidText, typographic == nil else { return next }
    typographic = String(copyingUTF8: value.extracting(start..<next)).unicodeScalars.first
      .flatMap { $0.isTypographic ? $0 : nil }
    return next
  }

  private mutating func takeWord(from start: Int, in value: RawSpan) -> Int {
    var next = start
    while next < value.byteCount, value.byte(at: next).isLetter { next += 1 }
    if word == nil, start < Self.beginning {
      let text = value.extracting(start..<next)
      word = Self.words.first { text.equals($0) }?.description
    }
    return next
  }

  func form(of value: RawSpan) -> ForeignForm {
    guard let first else { return .blank }
    guard first == UInt8(ascii: "{") else { return formOfOther(first, value) }
    if end != nil, rest == nil, endsWithNUL { return .trailingNUL }
    if let typographic { return .typographic(typographic) }
    if end != nil, rest != nil { return .several }
    if hasSingleQuote { return .singleQuotes }
    if let word { return .word(word) }
    if hasBareKey { return .bareKey }
    if deepest > JSONError.deepest { return .tooDeep }
    if let malformedNumber { return .malformedNumber(malformedNumber) }
    if hasComment { return .comment }
    if hasTrailingComma { return .trailingComma }
    if !isValidText { return .notUTF8 }
    return isOpenText || depth > 0 ? .truncated : .plainText
  }

  private func formOfOther(_ first: UInt8, _ value: RawSpan) -> ForeignForm {
    switch first {
    case UInt8(ascii: "["): return .array
    case UInt8(ascii: "\""):
      let isEncoded = value.contains([0x7B, 0x5C, 0x22]) || value.contains([0x22, 0x7B])
      return isEncoded ? .doubleEncoded : .text
    case UInt8(ascii: "<"): return .xml
    case UInt8(ascii: "'"): return .singleQuotes
    case UInt8(ascii: "-"), UInt8(ascii: "0")...UInt8(ascii: "9"):
      if JSONNumber(text: value.trimmed()) != nil { return .number }
      if value.holdsRow { return .tableRow }
    default: break
    }
    if !isValidText || value.contains([0]) { return .binary }
    if value.contains([0x7B]) {
      if let typographic { return .typographic(typographic) }
      if hasComment, [UInt8(ascii: "/"), UInt8(ascii: "#")].contains(first) { return .comment }
    }
    switch String(excerptOf: value, limit: 8) {
    case "null": return .null
    case "true", "false": return .boolean
    case let text where text.hasPrefix("eyJ"): return .base64
    default: break
    }
    if let word { return .word(word) }
    return value.contains([0x5F, 0x69, 0x64, 0x3D]) ? .form : .plainText
  }
}

extension UInt8 {
  fileprivate var isBlank: Bool { self == 0x20 || self == 0x09 || self == 0x0A || self == 0x0D }
  fileprivate var isLetter: Bool { (0x41...0x5A).contains(self) || (0x61...0x7A).contains(self) }
  private var isDigit: Bool { (0x30...0x39).contains(self) }
  private var isSignOrPoint: Bool { self == 0x2B || self == 0x2D || self == 0x2E }
  fileprivate var beginsNumber: Bool { isDigit || isSignOrPoint }
  fileprivate var continuesNumber: Bool { isDigit || isSignOrPoint || isLetter }
}

extension Unicode.Scalar {
  /// Whether it is a quote or a blank of a word processor, a chat or a web page, a character that
  /// is not seen at all, or a mark of Chinese and Japanese text.
  fileprivate var isTypographic: Bool {
    switch value {
    case 0x00...0x1F, 0x85, 0xA0, 0xAB, 0xBB, 0xFEFF, 0xFF0C, 0xFF1A: true
    case 0x2000...0x200F, 0x2018...0x201F, 0x2028...0x202F, 0x2032...0x2033, 0x205F...0x2064: true
    case 0x3000...0x3001: true
    default: false
    }
  }
}

extension RawSpan {
  /// Where a JSON text ends that begins before `start`; `nil` if it doesn't.
  fileprivate func endOfText(from start: Int) -> Int? {
    var index = start
    while index < byteCount {
      switch byte(at: index) {
      case UInt8(ascii: "\\"): index += 2
      case UInt8(ascii: "\""): return index + 1
      default: index += 1
      }
    }
    return nil
  }

  fileprivate var isUTF8: Bool {
    unsafe withUnsafeBytes { unsafe String(validating: $0, as: UTF8.self) != nil }
  }

  /// Whether it is a line of fields with a separator between them.
  fileprivate var holdsRow: Bool {
    let separators: [UInt8] = [0x2C, 0x3B, 0x09]
    return separators.contains { contains([$0]) } || contains([0x3A, 0x3A])
  }

  /// Whether these few bytes occur in the first few hundred.
  fileprivate func contains(_ bytes: [UInt8]) -> Bool {
    let last = Swift.min(byteCount, 512) - bytes.count
    guard last >= 0 else { return false }
    return (0...last).contains { extracting($0..<byteCount).begins(with: bytes) }
  }
}
