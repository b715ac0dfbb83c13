import Codecs
import Ratings
import Streams

/// The partition that a cache is of.
public struct CacheSource: Hashable, Sendable, CustomStringConvertible {
  public var cluster: String
  public var topic: String
  public var partition: Int32

  public init(cluster: String, topic: String, partition: Int32) {
    self.cluster = cluster
    self.topic = topic
    self.partition = partition
  }

  public var description: String { "\(topic)[\(partition)]" }
}

/// What a block of a cache stands for.
struct RatingCacheBlock: Hashable {
  /// The offsets.
  var range: Range<Int64>
  /// The last record in it, or in the one before if it has none; `nil` before the first record.
  var last: RecordIdentity?
  var statements: Int

  /// Reads the beginning of a block's content.
  init(_ reader: inout ByteReader) throws(CodecError) {
    let first = try reader.varint(as: Int64.self)
    let end = try reader.varint(as: Int64.self)
    guard first <= end else { throw CodecError("a block ends before it begins") }
    range = first..<end
    if try reader.byte() == 1 {
      last = RecordIdentity(
        offset: try reader.varint(as: Int64.self), timestamp: try reader.signedVarint(),
        hash: try reader.word())
    }
    statements = try reader.varint(as: Int.self)
  }

  /// Passes each statement of a block's content, with its offset.
  static func forEach(
    in content: RawSpan, _ body: (_ offset: Int64, RatingStatement) -> Void
  ) throws(CodecError) {
    var reader = ByteReader(content)
    let block = try RatingCacheBlock(&reader)
    var place = StatementPlace(offset: block.range.lowerBound)
    for _ in 0..<block.statements {
      let statement = try place.read(&reader)
      body(place.offset, statement)
    }
    try reader.end()
  }
}

/// Gathers statements for the next block of a cache.
struct RatingCacheWriter {
  private let first: Int64
  private var last: RecordIdentity?
  private var place: StatementPlace
  private var entries: [UInt8] = []
  private(set) var statements = 0

  /// - Parameters:
  ///   - first: the offset behind the block before.
  ///   - last: of that block.
  init(from first: Int64, after last: RecordIdentity?) {
    self.first = first
    self.last = last
    place = StatementPlace(offset: first)
  }

  /// Whether it has room for no more.
  var isFull: Bool { statements >= RatingCacheFormat.statementsPerBlock }

  mutating func note(_ record: RecordIdentity) { last = record }

  mutating func append(_ statement: RatingStatement, at offset: Int64) {
    place.write(statement, at: offset, to: &entries)
    statements += 1
  }

  /// The block, framed.
  ///
  /// - Parameter end: the offset behind all that was read.
  func framed(to end: Int64) -> [UInt8] {
    var content: [UInt8] = []
    content.append(atMost: 64) { writer in
      writer.varint(UInt64(first))
      writer.varint(UInt64(end))
      writer.byte(last == nil ? 0 : 1)
      if let last {
        writer.varint(UInt64(last.offset))
        writer.signedVarint(last.timestamp)
        writer.word(last.hash)
      }
      writer.varint(UInt64(statements))
    }
    return RatingCacheFormat.framed(content + entries)
  }
}

/// The statement before, from which the next one is written as a difference.
private struct StatementPlace {
  private static let retractsFlag: UInt8 = 0x10
  private static let recordTimeFlag: UInt8 = 0x20

  var offset: Int64
  private var user: Int64 = 0
  private var movie: Int64 = 0
  private var time: Int64 = 0
  private var sourceOffset: Int64 = 0

  init(offset: Int64) { self.offset = offset }

  // Layout: offset, user and movie less those before; half stars (0 for a take-back) and flags; the
  // event's time less the one before; the record's time less the event's if it has one; the
  // source's partition, and its offset less the one before; partition and offset of the event that
  // it takes back by name, if any.
  mutating func write(_ statement: RatingStatement, at offset: Int64, to bytes: inout [UInt8]) {
    let said = statement.said
    bytes.append(atMost: 91) { writer in
      writer.varint(UInt64(bitPattern: offset &- self.offset))
      writer.signedVarint(statement.user &- user)
      writer.signedVarint(statement.movie &- movie)
      var flags = said.rating?.rawValue ?? 0
      if statement.retracts != nil { flags |= Self.retractsFlag }
      if said.recordTimeMilliseconds >= 0 { flags |= Self.recordTimeFlag }
      writer.byte(flags)
      writer.signedVarint(said.timeMilliseconds &- time)
      if said.recordTimeMilliseconds >= 0 {
        writer.signedVarint(said.recordTimeMilliseconds &- said.timeMilliseconds)
      }
      writer.varint(UInt64(UInt32(bitPattern: said.source.partition)))
      writer.signedVarint(said.source.offset &- sourceOffset)
      if let retracts = statement.retracts {
        writer.varint(UInt64(UInt32(bitPattern: retracts.partition)))
        writer.varint(UInt64(bitPattern: retracts.offset))
      }
    }
    follow(statement, at: offset)
  }

  mutating func read(_ reader: inout ByteReader) throws(CodecError) -> RatingStatement {
    let offset = offset &+ Int64(bitPattern: try reader.varint())
    let user = user &+ (try reader.signedVarint())
    let movie = movie &+ (try reader.signedVarint())
    let flags = try reader.byte()
    let rating = HalfStars(rawValue: flags & 0x0F)
    guard rating != nil || flags & 0x0F == 0 else {
      throw CodecError("a rating is not within 0.5 to 5.0")
    }
    let time = time &+ (try reader.signedVarint())
    guard EventTime.representable.contains(time) else {
      throw CodecError("a time is out of its range")
    }
    let recordTime =
      flags & Self.recordTimeFlag == 0 ? -1 : time &+ (try reader.signedVarint())
    let source = SourceCoordinates(
      partition: Int32(bitPattern: try reader.varint(as: UInt32.self)),
      offset: sourceOffset &+ (try reader.signedVarint()))
    var retracts: SourceCoordinates?
    if flags & Self.retractsFlag != 0 {
      retracts = SourceCoordinates(
        partition: Int32(bitPattern: try reader.varint(as: UInt32.self)),
        offset: Int64(bitPattern: try reader.varint()))
    }
    let statement = RatingStatement(
      user: user, movie: movie,
      said: UserRating(
        rating: rating, timeMilliseconds: time, source: source,
        recordTimeMilliseconds: recordTime, hasRetractions: retracts != nil),
      retracts: retracts)
    follow(statement, at: offset)
    return statement
  }

  private mutating func follow(_ statement: RatingStatement, at offset: Int64) {
    self.offset = offset
    user = statement.user
    movie = statement.movie
    time = statement.said.timeMilliseconds
    sourceOffset = statement.said.source.offset
  }
}
