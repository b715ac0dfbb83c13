public import Codecs

/// The row of one user and movie: the rating in force, and the genres it was counted under.
public struct UserRating: Hashable, Sendable {
  public var timed: TimedRating
  /// The catalog may change later, but taking the rating back must undo what was counted.
  public var genres: GenreSet

  public init(timed: TimedRating, genres: GenreSet) {
    self.timed = timed
    self.genres = genres
  }

  // Layout: version, half stars, time (zigzag LEB128), genre mask (LEB128).
  public func encode(into bytes: inout [UInt8]) {
    bytes.append(atMost: 22) { writer in
      writer.byte(storedFormatVersion)
      writer.byte(timed.rating.rawValue)
      writer.signedVarint(timed.timeMilliseconds)
      writer.varint(genres.rawValue)
    }
  }

  public init(decoding bytes: RawSpan) throws(CodecError) {
    var reader = ByteReader(bytes)
    try reader.version()
    guard let rating = HalfStars(rawValue: try reader.byte()) else {
      throw CodecError("a rating is not within 0.5 to 5.0")
    }
    timed = TimedRating(rating: rating, timeMilliseconds: try reader.signedVarint())
    genres = GenreSet(rawValue: try reader.varint())
    try reader.end()
  }
}
