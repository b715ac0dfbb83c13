import Codecs

/// How a table's rows are written.
struct Dialect: Hashable {
  enum Separator: CaseIterable {
    /// `::`, as in the .dat files of MovieLens 1M and 10M. Nothing is quoted.
    case doubleColon
    case comma
    case tab
    case semicolon
    case bar
    /// The whole line is one field: JSON lines.
    case none

    var name: String {
      switch self {
      case .doubleColon: "double colon"
      case .comma: "comma"
      case .tab: "tab"
      case .semicolon: "semicolon"
      case .bar: "bar"
      case .none: "none"
      }
    }

    var byte: UInt8 {
      switch self {
      case .doubleColon: UInt8(ascii: ":")
      case .comma: UInt8(ascii: ",")
      case .tab: UInt8(ascii: "\t")
      case .semicolon: UInt8(ascii: ";")
      case .bar: UInt8(ascii: "|")
      case .none: 0x0A
      }
    }
  }

  var separator: Separator
  /// Line feed, or the carriage return alone as on old Macs.
  var lineEnd: UInt8 = 0x0A

  /// Whether fields may be quoted as in RFC 4180.
  var isQuoted: Bool { separator != .doubleColon && separator != .none }
}

/// Finds the fields of one record, quoted as in RFC 4180: quotes around a field may hold separators
/// and line ends, and a quote among them is written twice.
struct RecordScanner {
  enum Outcome: Hashable {
    /// - next: where the next record begins.
    /// - lines: how many the record has.
    case record(next: Int, lines: Int)
    /// The record ends beyond these bytes.
    case incomplete
    case malformed(String)
  }

  private struct Field {
    /// The content, without the quotes around it.
    var range: Range<Int>
    var hasEscapes: Bool
  }

  static let unclosed = "a quote is not closed"
  static let misplaced = "text follows a closing quote; a quote within quotes is written twice"

  let dialect: Dialect
  private var fields: [Field] = []

  init(_ dialect: Dialect) {
    self.dialect = dialect
  }

  var count: Int { fields.count }

  /// The bytes of a field between its quotes; quotes within it are still doubled.
  @_lifetime(copy bytes)
  func bytes(_ field: Int, of bytes: RawSpan) -> RawSpan {
    bytes.extracting(fields[field].range)
  }

  /// A field's bytes, with the quotes within it as they are meant.
  func content(_ field: Int, of bytes: RawSpan) -> [UInt8] {
    let content = self.bytes(field, of: bytes)
    guard fields[field].hasEscapes else { return content.withUnsafeBytes { Array($0) } }
    var unescaped: [UInt8] = []
    unescaped.reserveCapacity(content.byteCount)
    var index = 0
    while index < content.byteCount {
      let byte = content.byte(at: index)
      unescaped.append(byte)
      index += byte == UInt8(ascii: "\"") ? 2 : 1
    }
    return unescaped
  }

  /// Makes a single field of these bytes.
  mutating func take(_ range: Range<Int>) {
    fields.removeAll(keepingCapacity: true)
    fields.append(Field(range: range, hasEscapes: false))
  }

  /// Finds the fields of the record that begins at `start`.
  ///
  /// - Parameter isAtEnd: whether nothing follows the bytes. A last line needs no end of its own.
  mutating func scan(_ bytes: RawSpan, from start: Int, isAtEnd: Bool) -> Outcome {
    fields.removeAll(keepingCapacity: true)
    let isQuoted = dialect.isQuoted
    var index = start
    var lines = 1
    while true {
      let outcome: Outcome? =
        if isQuoted, index < bytes.byteCount, bytes.byte(at: index) == UInt8(ascii: "\"") {
          scanQuoted(bytes, &index, isAtEnd: isAtEnd, &lines)
        } else {
          scanPlain(bytes, &index, isAtEnd: isAtEnd, lines)
        }
      if let outcome { return outcome }
    }
  }

  /// - Returns: `nil` when another field follows.
  @inline(__always)
  private mutating func scanPlain(
    _ bytes: RawSpan, _ index: inout Int, isAtEnd: Bool, _ lines: Int
  ) -> Outcome? {
    let start = index
    let separator = dialect.separator.byte
    let isDouble = dialect.separator == .doubleColon
    let lineEnd = dialect.lineEnd
    let end = bytes.byteCount
    while index < end {
      let byte = bytes.byte(at: index)
      if byte == lineEnd {
        append(start..<index, of: bytes)
        return .record(next: index + 1, lines: lines)
      }
      if byte == separator {
        if !isDouble {
          fields.append(Field(range: start..<index, hasEscapes: false))
          index += 1
          return nil
        }
        if index + 1 < end, bytes.byte(at: index + 1) == separator {
          fields.append(Field(range: start..<index, hasEscapes: false))
          index += 2
          return nil
        }
      }
      index += 1
    }
    guard isAtEnd else { return .incomplete }
    append(start..<end, of: bytes)
    return .record(next: end, lines: lines)
  }

  /// Appends a line's last field, without the carriage return of its end.
  private mutating func append(_ range: Range<Int>, of bytes: RawSpan) {
    let hasReturn = !range.isEmpty && bytes.byte(at: range.upperBound - 1) == 0x0D
    fields.append(
      Field(
        range: range.lowerBound..<range.upperBound - (hasReturn ? 1 : 0), hasEscapes: false))
  }

  private mutating func scanQuoted(
    _ bytes: RawSpan, _ index: inout Int, isAtEnd: Bool, _ lines: inout Int
  ) -> Outcome? {
    let end = bytes.byteCount
    let lineEnd = dialect.lineEnd
    index += 1
    let start = index
    var hasEscapes = false
    while true {
      guard index < end else { return isAtEnd ? .malformed(Self.unclosed) : .incomplete }
      let byte = bytes.byte(at: index)
      if byte == UInt8(ascii: "\"") {
        guard index + 1 < end || isAtEnd else { return .incomplete }
        guard index + 1 < end, bytes.byte(at: index + 1) == UInt8(ascii: "\"") else { break }
        hasEscapes = true
        index += 1
      } else if byte == lineEnd {
        lines += 1
      }
      index += 1
    }
    fields.append(Field(range: start..<index, hasEscapes: hasEscapes))
    index += 1
    if index < end, bytes.byte(at: index) == dialect.separator.byte {
      index += 1
      return nil
    }
    // A carriage return belongs to the line's end.
    if index < end, bytes.byte(at: index) == 0x0D, lineEnd != 0x0D { index += 1 }
    if index == end { return isAtEnd ? .record(next: end, lines: lines) : .incomplete }
    guard bytes.byte(at: index) == lineEnd else { return .malformed(Self.misplaced) }
    return .record(next: index + 1, lines: lines)
  }
}
