public import Codecs
public import Ratings

/// How a list of movies was made.
public enum RecommendationStrategy: String, Sendable {
  /// By the model, from what the user has rated.
  case personal
  /// By quality score, the same for everyone but for what they have rated.
  case popular

  var name: StaticString {
    switch self {
    case .personal: "personal"
    case .popular: "popular"
    }
  }
}

/// Why a list is not the user's own, or is empty.
public enum RecommendationReason: String, Sendable {
  /// No complete model is promoted.
  case noModel = "no_model"
  /// The user has no ratings.
  case noRatings = "no_ratings"
  /// The model knows none of the movies that the user has rated.
  case noKnownMovies = "no_known_movies"
  /// The model's equations for the user's ratings have no solution.
  case unsolvable
  /// No movie that may be recommended has one of the genres asked for, or none is left at all.
  case noMatchingMovies = "no_matching_movies"

  var name: StaticString {
    switch self {
    case .noModel: "no_model"
    case .noRatings: "no_ratings"
    case .noKnownMovies: "no_known_movies"
    case .unsolvable: "unsolvable"
    case .noMatchingMovies: "no_matching_movies"
    }
  }
}

/// One recommended movie.
public struct Recommendation: Hashable, Sendable {
  public var movie: Int64
  public var title: String
  /// Genres with bars between them, as in the catalog.
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
  /// Genres with bars between them, as in the catalog.
  public var genres: String
  public var rating: TimedRating

  public init(movie: Int64, title: String, genres: String, rating: TimedRating) {
    self.movie = movie
    self.title = title
    self.genres = genres
    self.rating = rating
  }

  /// The most that a reply shows.
  public static let historyCount = 10

  /// The order of a history: the best first; of equal ones the latest, then by rising movie id.
  public static func precedes(_ a: MovieRating, _ b: MovieRating) -> Bool {
    if a.rating.rating != b.rating.rating { return a.rating.rating > b.rating.rating }
    if a.rating.timeMilliseconds != b.rating.timeMilliseconds {
      return a.rating.timeMilliseconds > b.rating.timeMilliseconds
    }
    return a.movie < b.movie
  }
}

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
  /// How many of the ratings are of movies that the model knows: what a personal answer is made of.
  public var knownRatingCount: Int

  /// Those of a user without ratings.
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

/// What a shadow model's answer is held against.
public struct ShadowComparison: Hashable, Sendable {
  /// The model that gave the live answer; `nil` when none took part.
  public var liveModelVersion: String?
  /// The share of the ten best of the live answer that are among the ten best of the shadow's.
  public var overlapAt10: Double

  public init(liveModelVersion: String?, overlapAt10: Double) {
    self.liveModelVersion = liveModelVersion
    self.overlapAt10 = overlapAt10
  }

  /// - Returns: the share of `live` that is in `shadow`; 1 when `live` is empty, as is then the
  ///   shadow's.
  public static func overlap(live: some Collection<Int64>, shadow: some Collection<Int64>)
    -> Double
  {
    let live = live.prefix(10)
    guard !live.isEmpty else { return 1 }
    let shadow = shadow.prefix(10)
    return Double(live.count { shadow.contains($0) }) / Double(live.count)
  }
}

/// A record of `recommendations`. It says what it was asked and what it was made from, so that it
/// can be computed again.
public struct RecommendationReply: Sendable {
  public var request: RecommendationRequest
  public var recommendations: [Recommendation]
  public var strategy: RecommendationStrategy
  /// `nil` for a personal list that is not empty.
  public var reason: RecommendationReason?
  /// `nil` when no model took part.
  public var modelVersion: String?
  public var features: ReplyFeatures
  /// The best-rated movies; `nil` when the request did not ask for them.
  public var history: [RatedMovie]?
  /// The offset of the user's partition that the answer was computed from.
  public var stateOffset: Int64
  /// In a record of `recommendations-shadow`.
  public var comparison: ShadowComparison?
  /// From the request's reception to the reply's writing.
  public var latencyMilliseconds: Double

  public init(
    request: RecommendationRequest, recommendations: [Recommendation],
    strategy: RecommendationStrategy, reason: RecommendationReason? = nil,
    modelVersion: String? = nil, features: ReplyFeatures = ReplyFeatures(),
    history: [RatedMovie]? = nil, stateOffset: Int64, latencyMilliseconds: Double
  ) {
    self.request = request
    self.recommendations = recommendations
    self.strategy = strategy
    self.reason = reason
    self.modelVersion = modelVersion
    self.features = features
    self.history = history
    self.stateOffset = stateOffset
    self.latencyMilliseconds = latencyMilliseconds
  }

  public func write(to writer: inout JSONWriter) {
    writer.beginObject()
    writer.key("user_id")
    writer.integer(request.user)
    writer.key("recommendations")
    writer.beginArray()
    for recommendation in recommendations { recommendation.write(to: &writer) }
    writer.endArray()
    writer.key("count")
    writer.integer(recommendations.count)
    writer.key("strategy")
    writer.string(literal: strategy.name)
    writer.key("reason")
    if let reason { writer.string(literal: reason.name) } else { writer.null() }
    writer.key("model_version")
    if let modelVersion { writer.string(modelVersion) } else { writer.null() }
    writer.key("state_offset")
    writer.integer(stateOffset)
    writer.key("features")
    features.write(to: &writer)
    if let history {
      writer.key("history")
      writer.beginArray()
      for movie in history { movie.write(to: &writer) }
      writer.endArray()
    }
    writer.key("request")
    writer.beginObject()
    writer.key("num_recommendations")
    writer.integer(request.count)
    writer.key("exclude_rated")
    writer.boolean(request.excludesRated)
    writer.key("genres")
    writer.strings(request.genres)
    writer.endObject()
    if let comparison { comparison.write(to: &writer) }
    writer.key("latency_ms")
    writer.double(latencyMilliseconds)
    writer.endObject()
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

extension ShadowComparison {
  /// Two members of the reply's object.
  func write(to writer: inout JSONWriter) {
    writer.key("live_model_version")
    if let liveModelVersion { writer.string(liveModelVersion) } else { writer.null() }
    writer.key("overlap_at_10")
    writer.double(overlapAt10)
  }
}

extension RequestError {
  /// Writes the error reply: `{"error":{"code":"…","message":"…"},"user_id":100}`.
  public func write(to writer: inout JSONWriter) {
    writer.beginObject()
    writer.key("error")
    writer.beginObject()
    writer.key("code")
    writer.string(code)
    writer.key("message")
    writer.string(message)
    writer.endObject()
    writer.key("user_id")
    writer.optionalInteger(user)
    writer.endObject()
  }
}
