/// How good a model was on ratings that were held out, and how good the most popular movies are
/// there. Each is a mean over the users scored.
public struct RankingMetrics: Hashable, Sendable {
  public var precisionAt10: Double
  public var recallAt10: Double
  /// With binary relevance and the ideal over min(10, held-out ratings).
  public var ndcgAt10: Double
  /// The chance that a held-out movie scores higher than one that was never rated.
  public var auc: Double

  public init(precisionAt10: Double, recallAt10: Double, ndcgAt10: Double, auc: Double) {
    self.precisionAt10 = precisionAt10
    self.recallAt10 = recallAt10
    self.ndcgAt10 = ndcgAt10
    self.auc = auc
  }
}

/// What is known of a model beside its numbers: the record `<version>` of `models`.
public struct ModelMetadata: Hashable, Sendable {
  /// Names the model for ever: the date of its newest rating and a digest of all that made it, so
  /// that equal models have equal versions and different ones don't.
  public var version: String
  public var parameters: ModelParameters
  /// By partition of validated-ratings, the offset before which every record was read. Empty for a
  /// model that was not trained from the log.
  public var trainedTo: [Int64]
  /// Those with a rating.
  public var users: Int
  public var movies: Int
  /// The rows that training made of the users' ratings.
  public var rows: Int
  /// Those that count: the last of each user and movie.
  public var ratings: Int
  /// Event time of the newest rating, since 1970.
  public var newestRatingMilliseconds: Int64
  /// After the last epoch, per rating.
  public var loss: Double
  /// Of the same training on a part of the ratings, scored on the rest; `nil` when not evaluated.
  public var metrics: RankingMetrics?
  /// The same ratings scored by popularity.
  public var popularityMetrics: RankingMetrics?
  /// What the parts' bytes must give, by number.
  public var partChecksums: [Checksum]
  /// All parts together.
  public var byteCount: Int

  /// - Parameter rows: `nil` when every user was one row.
  public init(
    version: String, parameters: ModelParameters, trainedTo: [Int64] = [], users: Int, movies: Int,
    ratings: Int, rows: Int? = nil, newestRatingMilliseconds: Int64, loss: Double,
    metrics: RankingMetrics? = nil,
    popularityMetrics: RankingMetrics? = nil, partChecksums: [Checksum] = [], byteCount: Int = 0
  ) {
    self.version = version
    self.parameters = parameters
    self.trainedTo = trainedTo
    self.users = users
    self.movies = movies
    self.ratings = ratings
    self.rows = rows ?? users
    self.newestRatingMilliseconds = newestRatingMilliseconds
    self.loss = loss
    self.metrics = metrics
    self.popularityMetrics = popularityMetrics
    self.partChecksums = partChecksums
    self.byteCount = byteCount
  }

  /// α₀: what a movie not rated weighs against one that is, when a user is folded in.
  var unobservedWeight: Double {
    parameters.unobservedWeight(ratings: ratings, rows: rows, movies: movies)
  }
}
