public import Ratings

/// A movie and its score; higher is better.
public struct ScoredMovie: Hashable, Sendable {
  public var movie: Int64
  public var score: Double

  public init(movie: Int64, score: Double) {
    self.movie = movie
    self.score = score
  }
}

/// One of a user's ratings.
public struct MovieRating: Hashable, Sendable {
  public var movie: Int64
  public var rating: TimedRating

  public init(movie: Int64, rating: TimedRating) {
    self.movie = movie
    self.rating = rating
  }
}
