public import Codecs

/// The row of one user and movie: what the user has said last of the movie, which is a rating or
/// that it is taken back.
///
/// "Last" is by event time. Whatever arrives late, twice or out of order leads to the same row, so
/// a take-back is kept like a rating, for ever.
public struct UserRating: Hashable, Sendable {
  /// `nil` when the rating is taken back.
  public var rating: HalfStars?
  /// Event time, since 1970.
  public var timeMilliseconds: Int64
  /// The genres that the rating was counted under. The catalog may change later, but taking the
  /// rating back must undo what was counted.
  public var genres: GenreSet
  /// The event.
  public var source: SourceCoordinates
  /// The time of the event's record in `user-ratings`; -1 if it has none.
  public var recordTimeMilliseconds: Int64
  /// Whether events of this user and movie were taken back by name.
  public var hasRetractions: Bool

  public init(
    rating: HalfStars?, timeMilliseconds: Int64, genres: GenreSet = GenreSet(),
    source: SourceCoordinates, recordTimeMilliseconds: Int64 = -1, hasRetractions: Bool = false
  ) {
    self.rating = rating
    self.timeMilliseconds = timeMilliseconds
    self.genres = rating == nil ? GenreSet() : genres
    self.source = source
    self.recordTimeMilliseconds = recordTimeMilliseconds
    self.hasRetractions = hasRetractions
  }

  /// The rating in force.
  public var timed: TimedRating? {
    rating.map { TimedRating(rating: $0, timeMilliseconds: timeMilliseconds) }
  }

  /// The time of the take-back, if it is one.
  public var takeBackMilliseconds: Int64? { rating == nil ? timeMilliseconds : nil }

  /// Whether an earlier version wrote the row, which knew no order but that of arrival.
  public var isByArrival: Bool { source == Self.unknownSource }

  /// The row where all that was said is taken back by name, the take-backs as well: they name each
  /// other. Anything else is later.
  public static let nothing = UserRating(
    rating: nil, timeMilliseconds: 0, source: SourceCoordinates(partition: -1, offset: -1),
    hasRetractions: true)

  private static let unknownSource = SourceCoordinates(partition: 0, offset: -1)

  /// Whether this is said later than the other: by event time, then by the time of the record, then
  /// by its place in `user-ratings`. Whole seconds make equal event times common, and null keys
  /// put a user's events in several partitions.
  public func isLater(than other: UserRating) -> Bool {
    if timeMilliseconds != other.timeMilliseconds {
      return timeMilliseconds > other.timeMilliseconds
    }
    if recordTimeMilliseconds != other.recordTimeMilliseconds {
      return recordTimeMilliseconds > other.recordTimeMilliseconds
    }
    if source.partition != other.source.partition {
      return source.partition > other.source.partition
    }
    return source.offset > other.source.offset
  }

  /// Whether both say the same, be they one event or two.
  public func saysTheSame(as other: UserRating) -> Bool {
    rating == other.rating && timeMilliseconds == other.timeMilliseconds && genres == other.genres
  }

  private static let version: UInt8 = 2
  private static let retractionsFlag: UInt8 = 0x10
  private static let recordTimeFlag: UInt8 = 0x20

  // Layout: version, half stars (0 when taken back) and flags, time (zigzag LEB128), genre mask,
  // the record's time less the event's if it has one (zigzag), source partition and offset
  // (LEB128). Version 1 ends with the genre mask, and has no take-backs.
  public func encode(into bytes: inout [UInt8]) {
    bytes.append(atMost: 47) { writer in
      writer.byte(Self.version)
      var flags = rating?.rawValue ?? 0
      if hasRetractions { flags |= Self.retractionsFlag }
      if recordTimeMilliseconds >= 0 { flags |= Self.recordTimeFlag }
      writer.byte(flags)
      writer.signedVarint(timeMilliseconds)
      writer.varint(genres.rawValue)
      if recordTimeMilliseconds >= 0 {
        writer.signedVarint(recordTimeMilliseconds &- timeMilliseconds)
      }
      writer.varint(UInt64(UInt32(bitPattern: source.partition)))
      writer.varint(UInt64(bitPattern: source.offset))
    }
  }

  public init(decoding bytes: RawSpan) throws(CodecError) {
    var reader = ByteReader(bytes)
    try self.init(from: &reader)
    try reader.end()
  }

  /// Decodes one of several.
  init(from reader: inout ByteReader) throws(CodecError) {
    let version = try reader.version(upTo: Self.version)
    let flags = try reader.byte()
    let halfStars = flags & 0x0F
    rating = HalfStars(rawValue: halfStars)
    guard rating != nil || halfStars == 0, version > 1 || (1...10).contains(flags),
      flags & ~(0x0F | Self.retractionsFlag | Self.recordTimeFlag) == 0
    else { throw CodecError("a rating is not within 0.5 to 5.0") }
    timeMilliseconds = try reader.signedVarint()
    genres = GenreSet(rawValue: try reader.varint())
    hasRetractions = flags & Self.retractionsFlag != 0
    recordTimeMilliseconds = -1
    source = Self.unknownSource
    if version > 1 {
      if flags & Self.recordTimeFlag != 0 {
        recordTimeMilliseconds = try reader.signedVarint() &+ timeMilliseconds
      }
      source = SourceCoordinates(
        partition: Int32(bitPattern: try reader.varint(as: UInt32.self)),
        offset: Int64(bitPattern: try reader.varint()))
    }
  }
}
