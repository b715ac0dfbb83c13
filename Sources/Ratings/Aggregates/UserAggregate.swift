public import Codecs

/// The state of one user: statistics of all ratings, and a tally by genre.
public struct UserAggregate: Sendable, Equatable {
  public private(set) var statistics = RatingStatistics()
  public private(set) var genres = GenreTally()
  private var movies = MovieFilter()
  /// The number of changes applied since the last time there were no ratings.
  public private(set) var version: UInt64 = 0
  /// The newest time of the take-backs that stand; -1 if there are none.
  private var newestTakeBack: Int64 = -1

  public init() {}

  /// Whether nothing stands of what the user has said.
  public var isEmpty: Bool { statistics.count == 0 && newestTakeBack < 0 }

  /// The newest event time of what stands, ratings and take-backs; 0 if nothing does.
  public var eventTimeMilliseconds: Int64 {
    max(0, newestTakeBack, statistics.lastRatingMilliseconds ?? 0)
  }

  /// Replaces what the user has said of a movie.
  ///
  /// - Parameter old: what stood, or `nil` if the user had said nothing yet.
  /// - Returns: whether the caller must note again all that stands: `resetTimes`, then `note` for
  ///   each row. See `RatingStatistics.retract`.
  public mutating func apply(old: UserRating?, new: UserRating, movie: Int64) -> Bool {
    version += 1
    if let old {
      if let rating = old.rating { genres.retract(rating, genres: old.genres) }
    } else {
      movies.insert(movie)
    }
    if let rating = new.rating { genres.add(rating, genres: new.genres) }
    var mustRescan = statistics.apply(old: old?.timed, new: new.timed)
    if let old, old.rating == nil, old.timeMilliseconds == newestTakeBack { mustRescan = true }
    if new.rating == nil { newestTakeBack = max(newestTakeBack, new.timeMilliseconds) }
    if statistics.count == 0 { version = 0 }
    return mustRescan
  }

  /// Whether the user may have said something of the movie; false is certain.
  public func mayHaveRated(_ movie: Int64) -> Bool { movies.mayContain(movie) }

  /// Forgets all times, so that they can be noted again.
  public mutating func resetTimes() {
    statistics.resetTimes()
    newestTakeBack = -1
  }

  /// Notes the time of a row that stands.
  public mutating func note(_ standing: UserRating) {
    if standing.rating == nil {
      newestTakeBack = max(newestTakeBack, standing.timeMilliseconds)
    } else {
      statistics.noteTime(standing.timeMilliseconds)
    }
  }

  private static let formatVersion: UInt8 = 2

  // Version 1 has no time of a take-back.
  public func encode(into bytes: inout [UInt8]) {
    let capacity =
      21 + RatingStatistics.maximumEncodedBytes + GenreTally.maximumEncodedBytes
      + MovieFilter.maximumEncodedBytes
    bytes.append(atMost: capacity) { writer in
      writer.byte(Self.formatVersion)
      writer.varint(version)
      statistics.encode(into: &writer)
      genres.encode(into: &writer)
      movies.encode(into: &writer)
      writer.varint(UInt64(newestTakeBack + 1))
    }
  }

  public init(decoding bytes: RawSpan) throws(CodecError) {
    var reader = ByteReader(bytes)
    let format = try reader.version(upTo: Self.formatVersion)
    version = try reader.varint()
    statistics = try RatingStatistics(from: &reader)
    genres = try GenreTally(from: &reader)
    movies = try MovieFilter(from: &reader)
    if format > 1 { newestTakeBack = try reader.varint(as: Int64.self) - 1 }
    try reader.end()
  }
}

extension RatingStatistics {
  /// Applies one change of a rating; returns as `retract`.
  mutating func apply(old: TimedRating?, new: TimedRating?) -> Bool {
    switch (old, new) {
    case (let old?, let new?):
      return replace(old, with: new)
    case (let old?, nil):
      return retract(old.rating, timeMilliseconds: old.timeMilliseconds)
    case (nil, let new?):
      add(new.rating, timeMilliseconds: new.timeMilliseconds)
      return false
    case (nil, nil):
      return false
    }
  }
}
