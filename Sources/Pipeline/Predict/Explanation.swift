public import Ratings
public import Recommender

/// A prediction as its record has it.
public struct RecordedPrediction: Sendable {
  public var request: RecommendationRequest
  public var strategy: RecommendationStrategy
  /// `nil` if no model was used.
  public var modelVersion: String?
  /// The prediction was computed from the events of the user's partition below this offset.
  public var stateOffset: Int64
  /// The rules that those events were folded by.
  public var rules: FoldRules
  /// When the user asked, in milliseconds since 1970; `nil` where the record does not say.
  public var moment: Int64?
  /// What a personal list was diversified with; `nil` if it was not.
  public var diversity: GenreDiversity?
  /// The ends of the partitions of `movies` that it knew; `nil` from earlier versions, which placed
  /// no films.
  public var catalogOffsets: [Int64]?
  /// Best first.
  public var movies: [ScoredMovie]

  public init(
    request: RecommendationRequest, strategy: RecommendationStrategy, modelVersion: String?,
    stateOffset: Int64, rules: FoldRules = .current, moment: Int64?,
    diversity: GenreDiversity? = nil, catalogOffsets: [Int64]? = nil, movies: [ScoredMovie]
  ) {
    self.request = request
    self.strategy = strategy
    self.modelVersion = modelVersion
    self.stateOffset = stateOffset
    self.rules = rules
    self.moment = moment
    self.diversity = diversity
    self.catalogOffsets = catalogOffsets
    self.movies = movies
  }
}

/// A prediction recomputed from the log.
public struct Explanation: Sendable {
  public enum Verdict: String, Sendable {
    /// The same movies with the same scores, to the last bit.
    case identical
    /// The same movies in the same order; the scores differ by no more than the rounding of another
    /// processor or version of OpenBLAS.
    case rounding
    /// Other movies, another order, or other scores.
    case different
    /// A popular list depends on the quality scores at that time, which are not recorded.
    case notRecomputable = "not_recomputable"
  }

  /// One of a user's ratings and what it adds to a score.
  public struct Contribution: Hashable, Sendable {
    public var movie: Int64
    public var rating: HalfStars
    public var value: Double
  }

  public var verdict: Verdict
  /// The user's ratings as of the prediction's state offset, by rising movie id.
  public var ratings: [MovieRating]
  /// How many of them count: those of movies that the model knows or that are placed.
  public var known: Int
  /// Best first; empty if the prediction is not recomputable.
  public var recomputed: [ScoredMovie]
  /// By movie, recorded or recomputed: what the user's ratings add to its score, the largest first;
  /// below 0 is what spoke against it.
  public var contributions: [Int64: [Contribution]]
  /// By movie: what everyone's taste adds to its score.
  public var priors: [Int64: Double]
  /// Whether the model was deleted, and trained again for this.
  public var modelIsTrainedAgain = false
  /// Whether `movies` has had other records since.
  public var catalogHasChanged = false

  /// Scores that differ by more than this, relative to the larger one, are different.
  static let tolerance = 1e-4

  /// Recomputes a prediction.
  ///
  /// - Parameters:
  ///   - ratings: the user's ratings as of the state offset, by rising movie id.
  ///   - model: the prediction's model; `nil` if none was used.
  ///   - catalog: as it was then, if the prediction says which it was.
  init(
    _ prediction: RecordedPrediction, ratings: [MovieRating], model: ServingModel?,
    catalog: some Catalog
  ) {
    self.ratings = ratings
    known = 0
    recomputed = []
    contributions = [:]
    priors = [:]
    guard prediction.strategy == .personal, let model else {
      verdict = .notRecomputable
      return
    }
    var ranker = PersonalRanker(model)
    var filters = CatalogFilters()
    var placements = CatalogPlacements()
    func place(_ movie: Int64) -> [Float]? {
      prediction.catalogOffsets == nil ? nil : placements.vector(of: movie, for: model, catalog)
    }
    let request = prediction.request
    var allowed = filters.rows(of: model, genres: request.genres, catalog)
    if request.genres.isEmpty {
      // They were in the catalog then.
      let recorded = Set(prediction.movies.map(\.movie))
      for (row, movie) in model.factors.movies.enumerated() where recorded.contains(movie) {
        allowed?.insert(row)
      }
    }
    let outcome = ranker.add(
      ratings.span, at: prediction.moment,
      wanted: prediction.diversity?.candidates(for: request.count) ?? request.count,
      excludesRated: request.excludesRated, allowed: allowed, placing: place)
    if case .added(let number, let known) = outcome {
      self.known = known
      ranker.rank()
      ranker.appendBest(of: number, to: &recomputed)
      prediction.diversity?.choose(request.count, in: &recomputed, from: 0) {
        catalog.genreSet(of: $0)
      }
      if prediction.catalogOffsets != nil {
        placements.append(
          request.count - recomputed.count, of: number, request, ratings[...], ranker, catalog,
          to: &recomputed)
      }
    }
    verdict = Self.verdict(recorded: prediction.movies, recomputed: recomputed)
    let shown = Set((prediction.movies + recomputed).map(\.movie)).sorted()
    let stars = Dictionary(uniqueKeysWithValues: ratings.map { ($0.movie, $0.rating.rating) })
    let parts = ranker.contributions(ratings.span, at: prediction.moment, to: shown, placing: place)
    priors = parts.mapValues(\.prior)
    contributions = parts.mapValues { parts in
      parts.ratings.compactMap { part in
        stars[part.movie].map {
          Contribution(movie: part.movie, rating: $0, value: part.score)
        }
      }
    }
  }

  static func verdict(recorded: [ScoredMovie], recomputed: [ScoredMovie]) -> Verdict {
    if recorded == recomputed { return .identical }
    guard recorded.map(\.movie) == recomputed.map(\.movie) else { return .different }
    let isClose = zip(recorded, recomputed).allSatisfy { a, b in
      (a.score - b.score).magnitude <= tolerance * max(a.score.magnitude, b.score.magnitude, 1e-3)
    }
    return isClose ? .rounding : .different
  }
}
