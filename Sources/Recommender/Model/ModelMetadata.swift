/// How well a model, or the most popular movies, rank held-out ratings. Each is a mean over the
/// scored users.
public struct RankingMetrics: Hashable, Sendable {
  public var precisionAt10: Double
  public var recallAt10: Double
  /// With binary relevance; the ideal has min(10, held-out ratings) hits.
  public var ndcgAt10: Double
  /// The probability that a held-out movie scores higher than one the user never rated.
  public var auc: Double

  public init(precisionAt10: Double, recallAt10: Double, ndcgAt10: Double, auc: Double) {
    self.precisionAt10 = precisionAt10
    self.recallAt10 = recallAt10
    self.ndcgAt10 = ndcgAt10
    self.auc = auc
  }
}

/// What describes a model: the record `<version>` of `models`.
public struct ModelMetadata: Hashable, Sendable {
  /// Identifies the model forever: the date of its newest rating and a digest of all it was made
  /// from, so that equal models have equal versions and different ones don't.
  public var version: String
  public var parameters: ModelParameters
  /// By partition of `validated-ratings`, the end offset of the records read. Empty for a model
  /// that was not trained from the log.
  public var trainedTo: [Int64]
  /// How many users and movies have a rating.
  public var users: Int
  public var movies: Int
  /// The mean of all ratings, in stars.
  public var meanRating: Double
  /// How many ratings are in force: the last one of each user and movie.
  public var ratings: Int
  /// Event time of the newest rating, since 1970.
  public var newestRatingMilliseconds: Int64
  /// The share of the ratings' weight that the factors don't explain, after the last epoch.
  public var loss: Double
  /// The loss after each epoch; empty in records of earlier versions.
  public var epochLosses: [Double]
  /// For each factor, how much of what it tells may be chance, 0...1; empty in records of earlier
  /// versions, for 0.
  public var doubts: [Double]
  /// Some users' lists; empty in records of earlier versions.
  public var samples: [ListSample]
  /// The settings that were tried, in their order; empty if they were given.
  public var search: [SettingsTrial]
  /// Of the same training on a part of the ratings, scored on the rest; `nil` if not evaluated.
  public var metrics: RankingMetrics?
  /// The same, with movies ranked by popularity.
  public var popularityMetrics: RankingMetrics?
  /// The checksum of each part, by number.
  public var partChecksums: [Checksum]
  /// All parts together.
  public var byteCount: Int

  public init(
    version: String, parameters: ModelParameters, trainedTo: [Int64] = [], users: Int, movies: Int,
    ratings: Int, meanRating: Double, newestRatingMilliseconds: Int64, loss: Double,
    epochLosses: [Double] = [], doubts: [Double] = [], samples: [ListSample] = [],
    search: [SettingsTrial] = [],
    metrics: RankingMetrics? = nil,
    popularityMetrics: RankingMetrics? = nil, partChecksums: [Checksum] = [], byteCount: Int = 0
  ) {
    self.version = version
    self.parameters = parameters
    self.trainedTo = trainedTo
    self.users = users
    self.movies = movies
    self.ratings = ratings
    self.meanRating = meanRating
    self.newestRatingMilliseconds = newestRatingMilliseconds
    self.loss = loss
    self.epochLosses = epochLosses
    self.doubts = doubts
    self.samples = samples
    self.search = search
    self.metrics = metrics
    self.popularityMetrics = popularityMetrics
    self.partChecksums = partChecksums
    self.byteCount = byteCount
  }
}
