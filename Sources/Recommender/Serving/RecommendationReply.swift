/// How a list of movies was made.
public enum RecommendationStrategy: String, Sendable {
  /// By quality score, the same for everyone but for what they have rated.
  case popular

  var name: StaticString {
    switch self {
    case .popular: "popular"
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

/// A record of `recommendations`.
public struct RecommendationReply: Sendable {
  public var user: Int64
  public var recommendations: [Recommendation]
  public var strategy: RecommendationStrategy
  /// `nil` when no model took part.
  public var modelVersion: String?
  /// The offset of the user's partition that the answer was computed from.
  public var stateOffset: Int64
  /// From the request's reception to the reply's writing.
  public var latencyMilliseconds: Double

  public init(
    user: Int64, recommendations: [Recommendation], strategy: RecommendationStrategy,
    modelVersion: String?, stateOffset: Int64, latencyMilliseconds: Double
  ) {
    self.user = user
    self.recommendations = recommendations
    self.strategy = strategy
    self.modelVersion = modelVersion
    self.stateOffset = stateOffset
    self.latencyMilliseconds = latencyMilliseconds
  }

  public func write(to writer: inout JSONWriter) {
    writer.beginObject()
    writer.key("user_id")
    writer.integer(user)
    writer.key("recommendations")
    writer.beginArray()
    for recommendation in recommendations {
      writer.beginObject()
      writer.key("movie_id")
      writer.integer(recommendation.movie)
      writer.key("title")
      writer.string(recommendation.title)
      writer.key("genres")
      writer.string(recommendation.genres)
      writer.key("score")
      writer.double(recommendation.score)
      writer.endObject()
    }
    writer.endArray()
    writer.key("count")
    writer.integer(recommendations.count)
    writer.key("strategy")
    writer.string(literal: strategy.name)
    writer.key("model_version")
    if let modelVersion { writer.string(modelVersion) } else { writer.null() }
    writer.key("state_offset")
    writer.integer(stateOffset)
    writer.key("latency_ms")
    writer.double(latencyMilliseconds)
    writer.endObject()
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
