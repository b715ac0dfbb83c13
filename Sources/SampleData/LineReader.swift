import Glibc

/// A data file that can't be read, or a line of it that makes no sense.
public struct DataFileError: Error, Hashable, Sendable, CustomStringConvertible {
  public var path: String
  /// From 1; `nil` for a problem with the file as a whole.
  public var line: Int?
  /// One clause for a person.
  public var message: String

  public init(path: String, line: Int? = nil, message: String) {
    self.path = path
    self.line = line
    self.message = message
  }

  public var description: String {
    line.map { "\(path):\($0): \(message)" } ?? "\(path): \(message)"
  }
}

/// Reads a file line by line through a buffer of its own.
struct LineReader: ~Copyable {
  private static let chunk = 1 << 20

  let path: String
  /// The newest line's number, from 1.
  private(set) var lineNumber = 0
  /// The file's length when it was opened.
  let fileSize: Int
  private let descriptor: Int32
  private var buffer: [UInt8]
  private var filled = 0
  private var position = 0
  private var isAtEnd = false
  private var content = 0..<0

  init(path: String) throws(DataFileError) {
    self.path = path
    descriptor = open(path, O_RDONLY | O_CLOEXEC)
    buffer = []
    guard descriptor >= 0 else {
      fileSize = 0
      throw DataFileError(path: path, message: Self.reason())
    }
    var status = stat()
    fileSize = fstat(descriptor, &status) == 0 ? Int(status.st_size) : 0
    buffer = Array(repeating: 0, count: Self.chunk)
  }

  deinit {
    if descriptor >= 0 { close(descriptor) }
  }

  /// The newest line without its end (LF or CRLF).
  var line: RawSpan {
    @_lifetime(borrow self)
    get { buffer.span.bytes.extracting(content) }
  }

  /// How much of the file lies before the next line.
  private(set) var bytesRead = 0

  /// Goes to the next line.
  ///
  /// - Returns: false at the end of the file. A last line needs no end of its own.
  mutating func advance() throws(DataFileError) -> Bool {
    while true {
      if let end = buffer[position..<filled].firstIndex(of: 0x0A) {
        take(position..<end, next: end + 1)
        return true
      }
      if isAtEnd {
        guard position < filled else { return false }
        take(position..<filled, next: filled)
        return true
      }
      try fill()
    }
  }

  func error(_ message: String) -> DataFileError {
    DataFileError(path: path, line: lineNumber, message: message)
  }

  private mutating func take(_ range: Range<Int>, next: Int) {
    lineNumber += 1
    bytesRead += next - position
    position = next
    let hasReturn = !range.isEmpty && buffer[range.upperBound - 1] == 0x0D
    content = hasReturn ? range.lowerBound..<range.upperBound - 1 : range
  }

  private mutating func fill() throws(DataFileError) {
    buffer.replaceSubrange(0..<filled - position, with: buffer[position..<filled])
    filled -= position
    position = 0
    if filled == buffer.count {
      buffer.append(contentsOf: repeatElement(0, count: buffer.count))
    }
    let start = filled
    let count = buffer.withUnsafeMutableBytes { bytes in
      Glibc.read(descriptor, bytes.baseAddress?.advanced(by: start), bytes.count - start)
    }
    guard count >= 0 else {
      if errno == EINTR { return }
      throw DataFileError(path: path, message: Self.reason())
    }
    filled += count
    isAtEnd = count == 0
  }

  private static func reason() -> String {
    String(cString: strerror(errno))
  }
}
