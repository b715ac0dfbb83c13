public import Codecs

/// One rating, at the time it was given.
public struct TimedRating: Hashable, Sendable {
  public var rating: HalfStars
  /// Event time, since 1970.
  public var timeMilliseconds: Int64

  public init(rating: HalfStars, timeMilliseconds: Int64) {
    self.rating = rating
    self.timeMilliseconds = timeMilliseconds
  }
}

/// The record of `ratings-by-movie`: how one user's rating of one movie changed. There is no old
/// rating before the first one, and no new one if it is taken back.
public struct RatingChange: Hashable, Sendable {
  public var movie: Int64
  public var user: Int64
  public var old: TimedRating?
  public var new: TimedRating?
  public var source: SourceCoordinates

  public init(
    movie: Int64, user: Int64, old: TimedRating?, new: TimedRating?, source: SourceCoordinates
  ) {
    self.movie = movie
    self.user = user
    self.old = old
    self.new = new
    self.source = source
  }

  public func write(to writer: inout JSONWriter) {
    writer.beginObject()
    writer.key("movie_id")
    writer.integer(movie)
    writer.key("user_id")
    writer.integer(user)
    writer.key("old")
    writer.stars(old?.rating)
    writer.key("old_timestamp_ms")
    writer.optionalInteger(old?.timeMilliseconds)
    writer.key("new")
    writer.stars(new?.rating)
    writer.key("new_timestamp_ms")
    writer.optionalInteger(new?.timeMilliseconds)
    writer.key("source_partition")
    writer.integer(source.partition)
    writer.key("source_offset")
    writer.integer(source.offset)
    writer.endObject()
  }
}

/// Reads records of `ratings-by-movie`.
public struct RatingChangeParser: ~Copyable, Sendable {
  private var parser = FlatJSONParser(fields: [
    "movie_id", "user_id", "old", "old_timestamp_ms", "new", "new_timestamp_ms",
    "source_partition", "source_offset",
  ])

  public init() {}

  public mutating func parse(_ value: RawSpan) throws(RecordError) -> RatingChange {
    try parser.parseRecord(value)
    return RatingChange(
      movie: try parser.require("movie_id", parser.integer(0)),
      user: try parser.require("user_id", parser.integer(1)),
      old: try timedRating(2, "old", time: 3, "old_timestamp_ms"),
      new: try timedRating(4, "new", time: 5, "new_timestamp_ms"),
      source: try parser.source(partition: parser.integer(6), offset: parser.integer(7)))
  }

  private func timedRating(
    _ field: Int, _ name: StaticString, time: Int, _ timeName: StaticString
  ) throws(RecordError) -> TimedRating? {
    guard let rating = try parser.stars(field, name) else { return nil }
    return TimedRating(
      rating: rating, timeMilliseconds: try parser.time(time, timeName))
  }
}
