import Codecs
public import Ratings

/// The user's features at the time of an answer.
public struct ReplyFeatures: Hashable, Sendable {
  public var ratingCount: Int64
  /// In stars; 0 without ratings.
  public var ratingMean: Double
  /// `nil` without genres.
  public var favoriteGenre: String?
  public var favoriteGenreCount: Int64
  /// In stars; 0 without genres.
  public var favoriteGenreMean: Double
  /// How many of the ratings are of movies that the model knows; a personal answer is based on
  /// these.
  public var knownRatingCount: Int

  /// The features of a user without ratings.
  public init() {
    ratingCount = 0
    ratingMean = 0
    favoriteGenreCount = 0
    favoriteGenreMean = 0
    knownRatingCount = 0
  }

  public init(_ aggregate: borrowing UserAggregate, genres: borrowing GenreDictionary) {
    ratingCount = Int64(aggregate.statistics.count)
    ratingMean = aggregate.statistics.mean
    let favorite = aggregate.genres.favorite(in: genres)
    favoriteGenre = favorite?.name
    favoriteGenreCount = Int64(favorite?.count ?? 0)
    favoriteGenreMean = favorite?.mean ?? 0
    knownRatingCount = 0
  }

  func write(to writer: inout JSONWriter) {
    writer.beginObject()
    writer.key("rating_count")
    writer.integer(ratingCount)
    writer.key("rating_mean")
    writer.double(ratingMean)
    writer.key("favorite_genre")
    if let favoriteGenre { writer.string(favoriteGenre) } else { writer.null() }
    writer.key("favorite_genre_count")
    writer.integer(favoriteGenreCount)
    writer.key("favorite_genre_mean")
    writer.double(favoriteGenreMean)
    writer.key("known_rating_count")
    writer.integer(knownRatingCount)
    writer.endObject()
  }
}
