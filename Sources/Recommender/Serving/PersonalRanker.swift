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
    /// The equations have no solution.
    case unsolvable
  }

  public let model: ServingModel
  private var foldIn: FoldIn
  private var scorer: BatchScorer

  public init(_ model: ServingModel) {
    self.model = model
    foldIn = FoldIn(model.factors)
    scorer = BatchScorer(model.factors)
  }

  /// Begins another batch of users.
  public mutating func removeAll() { scorer.removeAll() }

  /// Folds a user in.
  ///
  /// - Parameters:
  ///   - ratings: each movie once, always in the same order: sums are rounded in that order.
  ///   - wanted: how many movies, at least 1.
  ///   - excludesRated: whether rated movies are left out.
  ///   - allowed: the rows of movies that may be recommended; `nil` for all.
  public mutating func add(
    _ ratings: Span<MovieRating>, wanted: Int, excludesRated: Bool = true, allowed: RowSet? = nil
  ) -> Outcome {
    guard fold(ratings) else { return foldIn.count == 0 ? .unknown : .unsolvable }
    let vector = foldIn.vector
    let excluded = excludesRated ? foldIn.rows : []
    scorer.add(
      vector: vector.span, count: wanted, excluding: excluded.span, allowing: allowed)
    return .added(scorer.count - 1, known: foldIn.count)
  }

  /// - Returns: whether the user's vector is found.
  private mutating func fold(_ ratings: Span<MovieRating>) -> Bool {
    let factors = model.factors
    foldIn.removeAll()
    for index in ratings.indices {
      guard let row = factors.row(of: ratings[index].movie) else { continue }
      let rating = ratings[index].rating
      foldIn.add(row: row, rating: rating.rating, timeMilliseconds: rating.timeMilliseconds)
    }
    guard foldIn.count > 0 else { return false }
    do throws(UnsolvableEquations) { try foldIn.solve() } catch { return false }
    return foldIn.vector.allSatisfy(\.isFinite)
  }

  /// Scores all movies for all users. Call it once per batch.
  public mutating func rank() { scorer.score() }

  /// After `rank`, appends a user's best movies, best first; of equal scores the smaller id comes
  /// first.
  public func appendBest(of number: Int, to list: inout [ScoredMovie]) {
    let best = scorer.best(of: number)
    for index in best.indices {
      list.append(
        ScoredMovie(movie: model.factors.movies[best[index].row], score: best[index].score))
    }
  }

  /// How much each of a user's ratings adds to the scores of some movies; see
  /// `FoldIn.contributions`.
  ///
  /// - Parameter ratings: each movie once.
  /// - Returns: for each of `movies` that the model knows, the rated movies it knows with what they
  ///   add, the largest first; equal ones by rising movie id.
  public mutating func contributions(_ ratings: Span<MovieRating>, to movies: [Int64])
    -> [Int64: [ScoredMovie]]
  {
    guard fold(ratings) else { return [:] }
    var contributions: [Int64: [ScoredMovie]] = [:]
    for movie in movies {
      guard let row = model.factors.row(of: movie) else { continue }
      let parts = foldIn.contributions(to: row)
      contributions[movie] = zip(foldIn.rows, parts)
        .map { ScoredMovie(movie: model.factors.movies[Int($0)], score: Double($1)) }
        .sorted { $0.score != $1.score ? $0.score > $1.score : $0.movie < $1.movie }
    }
    return contributions
  }
}
