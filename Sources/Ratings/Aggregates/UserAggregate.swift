public import Codecs

/// The state of one user: statistics of all ratings, and a tally by genre.
public struct UserAggregate: Sendable, Equatable {
  public private(set) var statistics = RatingStatistics()
  public private(set) var genres = GenreTally()
  private var movies = MovieFilter()
  /// The number of changes applied since the last time there were no ratings.
  public private(set) var version: UInt64 = 0

  public init() {}

  /// Applies one change of a rating: old without new takes it back, new without old is a first
  /// rating.
  ///
  /// - Parameter oldGenres: the genres the old rating was counted under.
  /// - Returns: whether the caller must note all remaining times again; see
  ///   `RatingStatistics.retract`.
  public mutating func apply(
    old: TimedRating?, oldGenres: GenreSet, new: TimedRating?, newGenres: GenreSet
  ) -> Bool {
    version += 1
    if let old { genres.retract(old.rating, genres: oldGenres) }
    if let new { genres.add(new.rating, genres: newGenres) }
    let mustRescan = statistics.apply(old: old, new: new)
    // As if the user had never rated: a batch that ends here keeps nothing of the user either.
    if statistics.count == 0 { self = UserAggregate() }
    return mustRescan
  }

  /// Whether the user may have rated the movie, now or before; false is certain.
  public func mayHaveRated(_ movie: Int64) -> Bool { movies.mayContain(movie) }

  /// Notes that the user has rated the movie. Call it for each first rating.
  public mutating func noteRated(_ movie: Int64) { movies.insert(movie) }

  /// Forgets all times, so that they can be noted again.
  public mutating func resetTimes() { statistics.resetTimes() }

  /// Notes the time of a remaining rating.
  public mutating func noteTime(_ milliseconds: Int64) { statistics.noteTime(milliseconds) }

  public func encode(into bytes: inout [UInt8]) {
    let capacity =
      11 + RatingStatistics.maximumEncodedBytes + GenreTally.maximumEncodedBytes
      + MovieFilter.maximumEncodedBytes
    bytes.append(atMost: capacity) { writer in
      writer.byte(storedFormatVersion)
      writer.varint(version)
      statistics.encode(into: &writer)
      genres.encode(into: &writer)
      movies.encode(into: &writer)
    }
  }

  public init(decoding bytes: RawSpan) throws(CodecError) {
    var reader = ByteReader(bytes)
    try reader.version()
    version = try reader.varint()
    statistics = try RatingStatistics(from: &reader)
    genres = try GenreTally(from: &reader)
    movies = try MovieFilter(from: &reader)
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
