import Ratings

/// Finds the best movies for many users at once: folds each user's ratings into a model, and scores
/// all movies for all of them.
///
/// A user's list does not depend on who else is in the batch. Memory is reused from batch to batch.
/// Belongs to one thread.
public struct PersonalRanker: ~Copyable {
  /// What became of a user.
  public enum Outcome: Hashable, Sendable {
    /// The user is in the batch under this number; `known` counts the ratings of movies that the
    /// model knows or that are placed.
    case added(Int, known: Int)
    /// There are none of these among the rated movies.
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
  /// The movies of the ratings that are folded in, in their order.
  private var folded: [Int64] = []

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
  ///   - place: the vector of a movie that the model lacks; `nil` leaves its rating out.
  public mutating func add(
    _ ratings: Span<MovieRating>, at moment: Int64?, wanted: Int, excludesRated: Bool = true,
    allowed: RowSet? = nil, placing place: (Int64) -> [Float]? = { _ in nil }
  ) -> Outcome {
    guard fold(ratings, at: moment, place) else {
      return ranker.foldIn.count == 0 ? .unknown : .unsolvable
    }
    ranker.add(wanted: wanted, excludesRated: excludesRated, allowing: allowed)
    return .added(ranker.count - 1, known: ranker.foldIn.count)
  }

  /// - Returns: whether the user's vector is found.
  private mutating func fold(
    _ ratings: Span<MovieRating>, at moment: Int64?, _ place: (Int64) -> [Float]?
  ) -> Bool {
    let factors = model.factors
    folded.removeAll(keepingCapacity: true)
    ranker.fold { foldIn in
      for index in ratings.indices {
        let (movie, rating) = (ratings[index].movie, ratings[index].rating)
        if let row = factors.row(of: movie) {
          foldIn.add(row: row, rating: rating.rating, timeMilliseconds: rating.timeMilliseconds)
        } else if let vector = place(movie) {
          foldIn.add(
            placed: vector, rating: rating.rating, timeMilliseconds: rating.timeMilliseconds)
        } else {
          continue
        }
        folded.append(movie)
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

  /// After `rank`, appends a user's best movies among those that the model lacks, best first; of
  /// equal scores the smaller id comes first. They come last in a list: nobody's ratings speak for
  /// them.
  ///
  /// - Parameters:
  ///   - wanted: how many at most.
  ///   - isLeftOut: whether a movie is not recommended.
  public func appendBest(
    _ wanted: Int, of number: Int, among films: [PlacedFilms], to list: inout [ScoredMovie],
    leavingOut isLeftOut: (Int64) -> Bool
  ) {
    guard wanted > 0 else { return }
    let kinds = films.map { (score: ranker.score(of: $0.vector.span, for: number), films: $0) }
    var found: [ScoredMovie] = []
    for (score, films) in kinds.sorted(by: { $0.score > $1.score }) {
      if found.count >= wanted, let last = found.last, score < last.score { break }
      let least = found.count + wanted
      for movie in films.movies where !isLeftOut(movie) {
        found.append(ScoredMovie(movie: movie, score: score))
        if found.count == least { break }
      }
    }
    found.sort { $0.score != $1.score ? $0.score > $1.score : $0.movie < $1.movie }
    list += found.prefix(wanted)
  }

  /// What the scores of some movies are the sum of; see `FoldIn.contributions`.
  ///
  /// - Parameters:
  ///   - ratings: each movie once.
  ///   - moment: as in `add`.
  ///   - place: as in `add`.
  /// - Returns: for each of `movies` that the model knows or that is placed.
  public mutating func contributions(
    _ ratings: Span<MovieRating>, at moment: Int64?, to movies: [Int64],
    placing place: (Int64) -> [Float]? = { _ in nil }
  ) -> [Int64: Contributions] {
    guard fold(ratings, at: moment, place) else { return [:] }
    var contributions: [Int64: Contributions] = [:]
    for movie in movies {
      let parts: (prior: Double, ratings: [Double])
      if let row = model.factors.row(of: movie) {
        parts = ranker.foldIn.contributions(to: row)
      } else if let vector = place(movie) {
        parts = ranker.foldIn.contributions(to: vector.span)
      } else {
        continue
      }
      let ratings = zip(folded, parts.ratings)
        .map { ScoredMovie(movie: $0, score: $1) }
        .sorted { $0.score != $1.score ? $0.score > $1.score : $0.movie < $1.movie }
      contributions[movie] = Contributions(prior: parts.prior, ratings: ratings)
    }
    return contributions
  }
}
