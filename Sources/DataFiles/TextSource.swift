import Archives
import Glibc

/// The text of a file, unpacked and in UTF-8 (or whatever else contains ASCII), chunk by chunk.
final class TextSource {
  private static let chunk = 1 << 20
  /// Enough to see what a file is.
  private static let headSize = 1 << 16

  let file: DataFile
  let encoding: TextEncoding
  /// The text's beginning, which is also the first that `read` appends.
  private(set) var head: [UInt8] = []
  /// Whether the head is all there is.
  let isWhole: Bool
  private let bytes: any ByteSource
  private var decoder: UTF16Decoder?
  private var raw: [UInt8] = []
  private var hasPassedHead = false

  init(_ file: DataFile) throws(DataFileError) {
    self.file = file
    bytes =
      if let entry = file.entry {
        try ArchivedFile(file, entry: entry)
      } else { try PlainFile(file) }
    var start: [UInt8] = []
    var count = 1
    while start.count < Self.headSize, count > 0 {
      count = try bytes.append(atMost: Self.headSize - start.count, to: &start)
    }
    isWhole = count == 0
    let (encoding, markLength) = TextEncoding.detect(start)
    self.encoding = encoding
    start.removeFirst(markLength)
    if case .utf16(let isBigEndian) = encoding {
      var decoder = UTF16Decoder(isBigEndian: isBigEndian)
      decoder.decode(start, into: &head)
      if isWhole { decoder.finish(into: &head) }
      self.decoder = decoder
    } else {
      head = start
    }
  }

  /// How much has been read, 0...1.
  var fraction: Double { bytes.fraction }

  /// Appends the next piece.
  ///
  /// - Returns: false at the end.
  func read(into text: inout [UInt8]) throws(DataFileError) -> Bool {
    if !hasPassedHead {
      hasPassedHead = true
      text.append(contentsOf: head)
      head = []
      return true
    }
    guard !isWhole else { return false }
    guard decoder != nil else { return try bytes.append(atMost: Self.chunk, to: &text) > 0 }
    raw.removeAll(keepingCapacity: true)
    let count = try bytes.append(atMost: Self.chunk, to: &raw)
    if count == 0 { decoder?.finish(into: &text) } else { decoder?.decode(raw, into: &text) }
    return count > 0
  }
}

/// Where bytes come from.
private protocol ByteSource: AnyObject {
  /// - Returns: how many bytes it appended; 0 at the end.
  func append(atMost count: Int, to buffer: inout [UInt8]) throws(DataFileError) -> Int
  var fraction: Double { get }
}

extension [UInt8] {
  /// Appends what `read` puts into memory for at most `count` bytes.
  fileprivate mutating func append(
    atMost count: Int, _ read: (UnsafeMutableRawBufferPointer) throws(DataFileError) -> Int
  ) throws(DataFileError) -> Int {
    let start = self.count
    append(contentsOf: repeatElement(0, count: count))
    let result = withUnsafeMutableBytes { bytes in
      Result { () throws(DataFileError) in
        try read(UnsafeMutableRawBufferPointer(rebasing: bytes[start...]))
      }
    }
    let got = try result.get()
    removeLast(count - got)
    return got
  }
}

private final class PlainFile: ByteSource {
  private let file: DataFile
  private let descriptor: Int32
  private let size: Int
  private var bytesRead = 0

  init(_ file: DataFile) throws(DataFileError) {
    self.file = file
    descriptor = open(file.path, O_RDONLY | O_CLOEXEC)
    guard descriptor >= 0 else {
      size = 0
      throw file.error(Self.reason())
    }
    var status = stat()
    size = fstat(descriptor, &status) == 0 ? Int(status.st_size) : 0
  }

  deinit {
    if descriptor >= 0 { close(descriptor) }
  }

  var fraction: Double { Double(bytesRead) / Double(max(size, 1)) }

  func append(atMost count: Int, to buffer: inout [UInt8]) throws(DataFileError) -> Int {
    let got = try buffer.append(atMost: count) { (memory) throws(DataFileError) in
      while true {
        let got = Glibc.read(descriptor, memory.baseAddress, memory.count)
        if got >= 0 { return got }
        guard errno == EINTR else { throw file.error(Self.reason()) }
      }
    }
    bytesRead += got
    return got
  }

  private static func reason() -> String { String(cString: strerror(errno)) }
}

private final class ArchivedFile: ByteSource {
  private let file: DataFile
  private let archive: ArchiveReader
  /// The file's own length, where the archive has it; otherwise the archive's is what is measured.
  private let size: Int?
  private let archiveSize: Int
  private var bytesRead = 0

  init(_ file: DataFile, entry: String) throws(DataFileError) {
    self.file = file
    var status = stat()
    archiveSize = stat(file.path, &status) == 0 ? Int(status.st_size) : 0
    do throws(ArchiveError) {
      archive = try ArchiveReader(path: file.path)
      while let found = try archive.next() {
        guard found.path == entry else { continue }
        size = found.size
        return
      }
    } catch { throw file.error("it can't be unpacked: \(error)") }
    size = nil
    throw file.error("it is no longer in the archive")
  }

  var fraction: Double {
    if let size { return Double(bytesRead) / Double(max(size, 1)) }
    return Double(archive.bytesRead) / Double(max(archiveSize, 1))
  }

  func append(atMost count: Int, to buffer: inout [UInt8]) throws(DataFileError) -> Int {
    let got = try buffer.append(atMost: count) { (memory) throws(DataFileError) in
      do throws(ArchiveError) { return try archive.read(into: memory) } catch {
        throw file.error("it can't be unpacked: \(error)")
      }
    }
    bytesRead += got
    return got
  }
}
