public import Codecs
import Ratings

/// A record of `recommendations`. It names the request and what the answer was computed from, so
/// that it can be recomputed.
public struct RecommendationReply: Sendable {
  public var request: RecommendationRequest
  public var recommendations: [Recommendation]
  public var strategy: RecommendationStrategy
  /// What a personal list was diversified with; `nil` if it was not.
  public var diversity: GenreDiversity?
  /// `nil` for a personal list that is as long as asked for.
  public var reason: RecommendationReason?
  /// `nil` if no model was used.
  public var modelVersion: String?
  public var features: ReplyFeatures
  /// The user's best-rated movies; `nil` if the request did not ask for them.
  public var history: [RatedMovie]?
  /// The answer was computed from the events of the user's partition below this offset.
  public var stateOffset: Int64
  /// The moment the answer was computed for: when the user asked, in milliseconds since 1970.
  public var moment: Int64
  /// For a personal list, the ends of the partitions of `movies` that it knew.
  public var catalogOffsets: [Int64]?
  /// Set in a record of `recommendations-shadow`.
  public var comparison: ShadowComparison?
  /// From receiving the request to writing the reply.
  public var latencyMilliseconds: Double

  public init(
    request: RecommendationRequest, recommendations: [Recommendation],
    strategy: RecommendationStrategy, reason: RecommendationReason? = nil,
    modelVersion: String? = nil, features: ReplyFeatures = ReplyFeatures(),
    history: [RatedMovie]? = nil, stateOffset: Int64, moment: Int64,
    latencyMilliseconds: Double
  ) {
    self.request = request
    self.recommendations = recommendations
    self.strategy = strategy
    self.reason = reason
    self.modelVersion = modelVersion
    self.features = features
    self.history = history
    self.stateOffset = stateOffset
    self.moment = moment
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
    writer.key("score_type")
    writer.string(literal: strategy.scoreType.name)
    if let diversity {
      writer.key("diversity")
      writer.integer(diversity.percent)
    }
    writer.key("reason")
    if let reason { writer.string(literal: reason.name) } else { writer.null() }
    writer.key("model_version")
    if let modelVersion { writer.string(modelVersion) } else { writer.null() }
    writer.key("state_offset")
    writer.integer(stateOffset)
    writer.key("request_time_ms")
    writer.integer(moment)
    if let catalogOffsets {
      writer.key("catalog_offsets")
      writer.beginArray()
      for offset in catalogOffsets { writer.integer(offset) }
      writer.endArray()
    }
    writer.key("state_rules")
    writer.integer(FoldRules.current.rawValue)
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
    writer.double((latencyMilliseconds * 1_000).rounded() / 1_000)
    writer.endObject()
  }
}
