/// Splits a line at its separators, where fields may be quoted as in RFC 4180.
struct DelimitedLine {
  enum Separator {
    case comma
    /// `::`, as in the .dat files of MovieLens 1M and 10M. Nothing is quoted.
    case doubleColon
  }

  private struct Field {
    /// The content, without the quotes around it.
    var range: Range<Int>
    var hasEscapes: Bool
  }

  let separator: Separator
  private var fields: [Field] = []

  init(separator: Separator) {
    self.separator = separator
  }

  var count: Int { fields.count }

  /// Finds the fields of a line.
  ///
  /// - Returns: false when a quote is not closed, or something follows it.
  mutating func split(_ line: RawSpan) -> Bool {
    fields.removeAll(keepingCapacity: true)
    return switch separator {
    case .comma: splitAtCommas(line)
    case .doubleColon: splitAtColons(line)
    }
  }

  /// The bytes of a field between its quotes; quotes within it are still doubled.
  @_lifetime(copy line)
  func bytes(_ field: Int, of line: RawSpan) -> RawSpan {
    line.extracting(fields[field].range)
  }

  /// A field's text. Bytes that are not UTF-8 are read as Latin-1, as MovieLens 1M has them.
  func text(_ field: Int, of line: RawSpan) -> String {
    let content = bytes(field, of: line)
    var unescaped: [UInt8] = []
    unescaped.reserveCapacity(content.byteCount)
    var index = 0
    while index < content.byteCount {
      let byte = content.byte(at: index)
      unescaped.append(byte)
      index += fields[field].hasEscapes && byte == UInt8(ascii: "\"") ? 2 : 1
    }
    if let text = String(validating: unescaped, as: UTF8.self) { return text }
    return String(String.UnicodeScalarView(unescaped.map { Unicode.Scalar($0) }))
  }

  private mutating func splitAtCommas(_ line: RawSpan) -> Bool {
    var start = 0
    while true {
      let end: Int
      if start < line.byteCount, line.byte(at: start) == UInt8(ascii: "\"") {
        guard let close = takeQuoted(line, from: start + 1) else { return false }
        end = close + 1
        guard end == line.byteCount || line.byte(at: end) == UInt8(ascii: ",") else { return false }
      } else {
        end = line.firstIndex(of: UInt8(ascii: ","), from: start) ?? line.byteCount
        fields.append(Field(range: start..<end, hasEscapes: false))
      }
      if end == line.byteCount { return true }
      start = end + 1
    }
  }

  /// - Returns: the index of the closing quote.
  private mutating func takeQuoted(_ line: RawSpan, from start: Int) -> Int? {
    var hasEscapes = false
    var index = start
    while let quote = line.firstIndex(of: UInt8(ascii: "\""), from: index) {
      guard quote + 1 < line.byteCount, line.byte(at: quote + 1) == UInt8(ascii: "\"") else {
        fields.append(Field(range: start..<quote, hasEscapes: hasEscapes))
        return quote
      }
      hasEscapes = true
      index = quote + 2
    }
    return nil
  }

  private mutating func splitAtColons(_ line: RawSpan) -> Bool {
    var start = 0
    var index = 0
    while let colon = line.firstIndex(of: UInt8(ascii: ":"), from: index) {
      index = colon + 1
      guard index < line.byteCount, line.byte(at: index) == UInt8(ascii: ":") else { continue }
      fields.append(Field(range: start..<colon, hasEscapes: false))
      index += 1
      start = index
    }
    fields.append(Field(range: start..<line.byteCount, hasEscapes: false))
    return true
  }
}

extension RawSpan {
  func byte(at index: Int) -> UInt8 {
    unsafeLoad(fromByteOffset: index, as: UInt8.self)
  }

  func firstIndex(of byte: UInt8, from start: Int) -> Int? {
    var index = start
    while index < byteCount {
      if self.byte(at: index) == byte { return index }
      index += 1
    }
    return nil
  }
}
