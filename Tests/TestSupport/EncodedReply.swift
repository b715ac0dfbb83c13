import Codecs
public import Recommender

/// A reply with two movies as bytes of JSON.
///
/// - Parameter change: applied to the reply before it is encoded.
public func encodedReply(_ change: (inout RecommendationReply) -> Void = { _ in }) -> [UInt8] {
  var reply = RecommendationReply(
    request: RecommendationRequest(user: 7, count: 2, excludesRated: false, genres: ["A"]),
    recommendations: [
      Recommendation(movie: 11, title: "One", genres: "A|B", score: 0.1 + 0.2),
      Recommendation(movie: 12, title: "", genres: "", score: 1e-7),
    ],
    strategy: .personal, modelVersion: "m1", stateOffset: 99, moment: 7, latencyMilliseconds: 1)
  change(&reply)
  var writer = JSONWriter()
  reply.write(to: &writer)
  return writer.copyBytes()
}
