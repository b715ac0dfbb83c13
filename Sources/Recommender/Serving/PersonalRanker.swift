import Ratings

/// Finds the best movies for many users at once: folds each user's ratings into a model, and scores
/// all movies for all of them.
///
/// A user's list does not depend on who else is in the batch. Memory is reused from batch to batch.
/// Belongs to one thread.
public struct PersonalRanker: ~Copyable {
  /// What became of a user.
  public enum Outcome: Hashable, Sendable {
    /// The user is in the batch under this number; `known` counts the ratings of movies in the
    /// model.
    case added(Int, known: Int)
    /// The model knows none of the rated movies.
    case unknown
    /// The numbers are too large for single precision.
    case unsolvable
  }

  /// What a score is the sum of.
  public struct Contributions: Hashable, Sendable {
    /// What everyone's taste adds.
    public var prior: Double
    /// What each of the user's ratings adds, the largest first; equal ones by rising movie id. One
    /// that speaks against the movie is below 0.
    public var ratings: [ScoredMovie]
  }

  public let model: ServingModel
  private var ranker: RowRanker

  public init(_ model: ServingModel) {
    self.model = model
    ranker = RowRanker(model.factors)
  }

  /// Begins another batch of users.
  public mutating func removeAll() { ranker.removeAll() }

  /// Folds a user in.
  ///
  /// - Parameters:
  ///   - ratings: each movie once, always in the same order: sums are rounded in that order.
  ///   - moment: what to recommend for, in milliseconds since 1970; `nil` for the moment of the
  ///     user's last rating.
  ///   - wanted: how many movies, at least 1.
  ///   - excludesRated: whether rated movies are left out.
  ///   - allowed: the rows of movies that may be recommended; `nil` for all.
  public mutating func add(
    _ ratings: Span<MovieRating>, at moment: Int64?, wanted: Int, excludesRated: Bool = true,
    allowed: RowSet? = nil
  ) -> Outcome {
    guard fold(ratings, at: moment) else {
      return ranker.foldIn.count == 0 ? .unknown : .unsolvable
    }
    ranker.add(wanted: wanted, excludesRated: excludesRated, allowing: allowed)
    return .added(ranker.count - 1, known: ranker.foldIn.count)
  }

  /// - Returns: whether the user's vector is found.
  private mutating func fold(_ ratings: Span<MovieRating>, at moment: Int64?) -> Bool {
    let factors = model.factors
    ranker.fold { foldIn in
      for index in ratings.indices {
        guard let row = factors.row(of: ratings[index].movie) else { continue }
        let rating = ratings[index].rating
        foldIn.add(row: row, rating: rating.rating, timeMilliseconds: rating.timeMilliseconds)
      }
    }
    guard ranker.foldIn.count > 0 else { return false }
    return ranker.solve(at: moment)
  }

  /// Scores all movies for all users. Call it once per batch.
  public mutating func rank() { ranker.score() }

  /// After `rank`, appends a user's best movies, best first; of equal scores the smaller id comes
  /// first.
  public func appendBest(of number: Int, to list: inout [ScoredMovie]) {
    ranker.forEachBest(of: number) { best in
      list.append(ScoredMovie(movie: model.factors.movies[best.row], score: best.score))
    }
  }

  /// What the scores of some movies are the sum of; see `FoldIn.contributions`.
  ///
  /// - Parameters:
  ///   - ratings: each movie once.
  ///   - moment: as in `add`.
  /// - Returns: for each of `movies` that the model knows.
  public mutating func contributions(
    _ ratings: Span<MovieRating>, at moment: Int64?, to movies: [Int64]
  ) -> [Int64: Contributions] {
    guard fold(ratings, at: moment) else { return [:] }
    var contributions: [Int64: Contributions] = [:]
    for movie in movies {
      guard let row = model.factors.row(of: movie) else { continue }
      let parts = ranker.foldIn.contributions(to: row)
      let ratings = zip(ranker.foldIn.rows, parts.ratings)
        .map { ScoredMovie(movie: model.factors.movies[Int($0)], score: $1) }
        .sorted { $0.score != $1.score ? $0.score > $1.score : $0.movie < $1.movie }
      contributions[movie] = Contributions(prior: parts.prior, ratings: ratings)
    }
    return contributions
  }
}
