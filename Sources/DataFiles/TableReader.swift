import Codecs

/// Reads a table record by record.
struct TableReader: ~Copyable {
  /// A quote that is not closed must not swallow the file.
  private static let longestRecord = 16 << 20

  let source: TextSource
  private var scanner: RecordScanner
  private var buffer = TextBuffer()
  private var position = 0
  private var isAtEnd = false
  private var nextLine = 1
  /// The line, from 1, at which the newest record begins.
  private(set) var line = 0
  /// What is wrong with the newest record. Then only its first line is taken, as one field.
  private(set) var fault: String?
  /// Whether any text so far was Latin-1.
  private(set) var hasLatin1 = false

  init(_ source: TextSource, _ dialect: Dialect) {
    self.source = source
    scanner = RecordScanner(dialect)
  }

  var count: Int { scanner.count }
  var dialect: Dialect { scanner.dialect }

  /// The bytes of a field; quotes within it may be doubled.
  @_lifetime(borrow self)
  func bytes(_ field: Int) -> RawSpan { scanner.bytes(field, of: buffer.span) }

  /// A field's text. Bytes that are not UTF-8 are read as Latin-1, as older editions have them.
  mutating func text(_ field: Int) -> String {
    let content = scanner.content(field, of: buffer.span)
    if let text = String(validating: content, as: UTF8.self) { return text }
    hasLatin1 = true
    return Latin1.text(content)
  }

  func error(_ message: String) -> DataFileError { source.file.error(message, line: line) }

  /// Goes to the next record. Empty lines are skipped.
  ///
  /// - Returns: false at the end of the file.
  mutating func advance() throws(DataFileError) -> Bool {
    fault = nil
    while true {
      skipEmptyLines()
      switch buffer.scan(with: &scanner, from: position, isAtEnd: isAtEnd) {
      case .record(let next, let lines):
        if next == position { return false }
        line = nextLine
        nextLine += lines
        position = next
        return true
      case .incomplete:
        if buffer.bytes.count - position > Self.longestRecord {
          return try takeLine(fault: RecordScanner.unclosed)
        }
        try fill()
      case .malformed(let reason):
        return try takeLine(fault: reason)
      }
    }
  }

  private mutating func skipEmptyLines() {
    let lineEnd = dialect.lineEnd
    while position < buffer.bytes.count {
      if buffer.bytes[position] == lineEnd {
        position += 1
      } else if buffer.bytes[position] == 0x0D, position + 1 < buffer.bytes.count,
        buffer.bytes[position + 1] == lineEnd
      {
        position += 2
      } else {
        return
      }
      nextLine += 1
    }
  }

  /// Takes the line at which a malformed record begins, so that the next one is read on its own.
  private mutating func takeLine(fault: String) throws(DataFileError) -> Bool {
    guard let end = buffer.bytes[position...].firstIndex(of: dialect.lineEnd) else {
      guard isAtEnd else {
        throw source.file.error("a line has more than 16 MiB", line: nextLine)
      }
      take(position..<buffer.bytes.count, next: buffer.bytes.count, fault)
      return true
    }
    take(position..<end, next: end + 1, fault)
    return true
  }

  private mutating func take(_ range: Range<Int>, next: Int, _ fault: String) {
    scanner.take(range)
    self.fault = fault
    line = nextLine
    nextLine += 1
    position = next
  }

  private mutating func fill() throws(DataFileError) {
    buffer.bytes.removeFirst(position)
    position = 0
    isAtEnd = try !source.read(into: &buffer.bytes)
  }
}

/// Bytes that a scanner reads while it changes.
private struct TextBuffer: ~Copyable {
  var bytes: [UInt8] = []

  var span: RawSpan {
    @_lifetime(borrow self)
    get { bytes.span.bytes }
  }

  func scan(with scanner: inout RecordScanner, from position: Int, isAtEnd: Bool)
    -> RecordScanner.Outcome
  {
    scanner.scan(bytes.span.bytes, from: position, isAtEnd: isAtEnd)
  }
}
