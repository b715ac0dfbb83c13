import Codecs
import Ratings
import Streams

/// Where the cache of one partition is kept.
public protocol RatingCacheFile {
  /// Passes all its bytes to `body`; none if it does not exist.
  func read<Result>(_ body: (RawSpan) -> Result) throws(RatingCacheError) -> Result
  /// Adds bytes at the end. What a kill leaves of them may be cut.
  func append(_ bytes: [UInt8]) throws(RatingCacheError)
  /// Cuts it to so many bytes; makes it if it does not exist.
  func truncate(to count: Int) throws(RatingCacheError)
}

/// Why the cache can't be kept.
public struct RatingCacheError: Error, Hashable, Sendable, CustomStringConvertible {
  /// What is wrong and what to do about it.
  public let description: String

  public init(_ description: String) {
    self.description = description
  }
}

/// The cache of one partition: which blocks its file has.
///
/// Blocks are only ever added at the end, each by one call. Whatever is behind the last whole one
/// that joins on to those before is cut off, and read from the log again.
struct CachedPartition<File: RatingCacheFile> {
  private struct Place {
    var position: Int
    var block: RatingCacheBlock
  }

  let source: CacheSource
  private let file: File
  private var places: [Place] = []
  private var byteCount = 0

  /// Looks at what the file has.
  ///
  /// - Parameter tell: gets a sentence about what is not usable.
  init(_ source: CacheSource, _ file: File, tell: (String) -> Void) throws(RatingCacheError) {
    self.source = source
    self.file = file
    let header = RatingCacheFormat.header(source)
    var problem: String?
    let found = try file.read { bytes -> (places: [Place], count: Int) in
      guard bytes.byteCount > 0 else { return ([], 0) }
      problem = Self.problem(of: bytes, header)
      return problem == nil ? Self.scan(bytes, from: header.count, &problem) : ([], 0)
    }
    if let problem { tell("the cache of \(source) \(problem)") }
    places = found.places
    byteCount = found.count
    if byteCount == 0 {
      try rebuild()
    } else if problem != nil {
      try file.truncate(to: byteCount)
    }
  }

  /// The offset behind all that it has.
  var next: Int64 { places.last?.block.range.upperBound ?? 0 }

  /// The last record that it has seen.
  var last: RecordIdentity? { places.last?.block.last }

  /// Starts again.
  mutating func rebuild() throws(RatingCacheError) {
    places = []
    try file.truncate(to: 0)
    let header = RatingCacheFormat.header(source)
    try file.append(header)
    byteCount = header.count
  }

  /// Adds what was read from the log.
  mutating func append(_ writer: RatingCacheWriter, to end: Int64) throws(RatingCacheError) {
    let bytes = writer.framed(to: end)
    let position = byteCount
    try file.append(bytes)
    byteCount += bytes.count
    bytes.withUnsafeBytes { buffer in
      let span = RawSpan(_unsafeBytes: buffer)
      if let content = RatingCacheFormat.content(of: span, at: 0),
        let block = Self.block(content)
      {
        places.append(Place(position: position, block: block))
      }
    }
  }

  /// How many statements are at or behind an offset.
  func count(from offset: Int64) throws(RatingCacheError) -> Int {
    var count = 0
    for place in places where place.block.range.upperBound > offset {
      if place.block.range.lowerBound >= offset {
        count += place.block.statements
      } else {
        try forEach(in: [place]) { found, _ in if found >= offset { count += 1 } }
      }
    }
    return count
  }

  /// Passes the statements below an offset, in their order.
  func forEach(
    below end: Int64, _ body: (RatingStatement) -> Void
  ) throws(RatingCacheError) {
    try forEach(in: places.filter { $0.block.range.lowerBound < end }) { offset, statement in
      if offset < end { body(statement) }
    }
  }

  private func forEach(
    in places: [Place], _ body: (_ offset: Int64, RatingStatement) -> Void
  ) throws(RatingCacheError) {
    let isWhole = try file.read { bytes in
      for place in places {
        guard let content = RatingCacheFormat.content(of: bytes, at: place.position) else {
          return false
        }
        do throws(CodecError) { try RatingCacheBlock.forEach(in: content, body) } catch {
          return false
        }
      }
      return true
    }
    guard isWhole else {
      throw RatingCacheError(
        "the cache of \(source) was changed by somebody else: it is looked at again")
    }
  }

  // MARK: Looking

  /// Why none of the file can be used, if so.
  private static func problem(of bytes: RawSpan, _ header: [UInt8]) -> String? {
    let magic = RatingCacheFormat.magic
    guard bytes.byteCount > magic.count, bytes.starts(with: magic) else {
      return "is damaged at its beginning: all of it is read from the log again"
    }
    let version = bytes.unsafeLoad(fromByteOffset: magic.count, as: UInt8.self)
    guard version == RatingCacheFormat.version else {
      return "has the format version \(version), not \(RatingCacheFormat.version): all of it is"
        + " read from the log again"
    }
    guard RatingCacheFormat.content(of: bytes, at: magic.count + 1) != nil else {
      return "is damaged at its beginning: all of it is read from the log again"
    }
    return bytes.starts(with: header)
      ? nil : "is of another log: all of it is read from this one"
  }

  private static func scan(
    _ bytes: RawSpan, from start: Int, _ problem: inout String?
  ) -> (places: [Place], count: Int) {
    var places: [Place] = []
    var position = start
    while position < bytes.byteCount {
      guard let content = RatingCacheFormat.content(of: bytes, at: position),
        let block = block(content),
        block.range.lowerBound == places.last?.block.range.upperBound ?? 0
      else {
        let end = places.last?.block.range.upperBound ?? 0
        problem =
          "is cut or damaged at byte \(position) of \(bytes.byteCount): events from offset \(end)"
          + " on are read again"
        break
      }
      places.append(Place(position: position, block: block))
      position += RatingCacheFormat.frame + content.byteCount
    }
    return (places, position)
  }

  /// What a block stands for; `nil` if its content can't be read.
  private static func block(_ content: RawSpan) -> RatingCacheBlock? {
    var reader = ByteReader(content)
    return try? RatingCacheBlock(&reader)
  }
}

extension RawSpan {
  fileprivate func starts(with other: [UInt8]) -> Bool {
    guard byteCount >= other.count else { return false }
    return other.indices.allSatisfy {
      unsafeLoad(fromByteOffset: $0, as: UInt8.self) == other[$0]
    }
  }
}
