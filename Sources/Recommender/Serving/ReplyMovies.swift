import Codecs
public import Ratings

/// One recommended movie.
public struct Recommendation: Hashable, Sendable {
  public var movie: Int64
  public var title: String
  /// Genres separated by bars, as in the catalog.
  public var genres: String
  public var score: Double

  public init(movie: Int64, title: String, genres: String, score: Double) {
    self.movie = movie
    self.title = title
    self.genres = genres
    self.score = score
  }
}

/// A movie the user has rated, as replies show it.
public struct RatedMovie: Hashable, Sendable {
  public var movie: Int64
  public var title: String
  /// Genres separated by bars, as in the catalog.
  public var genres: String
  public var rating: TimedRating

  public init(movie: Int64, title: String, genres: String, rating: TimedRating) {
    self.movie = movie
    self.title = title
    self.genres = genres
    self.rating = rating
  }

  /// The most movies that a reply shows.
  public static let historyCount = 10

  /// The order of a history: best first, equal ratings by falling time, then by rising movie id.
  public static func precedes(_ a: MovieRating, _ b: MovieRating) -> Bool {
    if a.rating.rating != b.rating.rating { return a.rating.rating > b.rating.rating }
    if a.rating.timeMilliseconds != b.rating.timeMilliseconds {
      return a.rating.timeMilliseconds > b.rating.timeMilliseconds
    }
    return a.movie < b.movie
  }
}

extension Recommendation {
  func write(to writer: inout JSONWriter) {
    writer.beginObject()
    writer.key("movie_id")
    writer.integer(movie)
    writer.key("title")
    writer.string(title)
    writer.key("genres")
    writer.string(genres)
    writer.key("score")
    writer.double(score)
    writer.endObject()
  }
}

extension RatedMovie {
  func write(to writer: inout JSONWriter) {
    writer.beginObject()
    writer.key("movie_id")
    writer.integer(movie)
    writer.key("title")
    writer.string(title)
    writer.key("genres")
    writer.string(genres)
    writer.key("rating")
    writer.stars(rating.rating)
    writer.key("timestamp_ms")
    writer.integer(rating.timeMilliseconds)
    writer.endObject()
  }
}
