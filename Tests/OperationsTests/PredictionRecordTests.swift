import Codecs
import Pipeline
import Recommender
import Testing

@testable import Console
@testable import Operations

@Suite struct PredictionRecordTests {
  private func reply(_ change: (inout RecommendationReply) -> Void = { _ in }) -> [UInt8] {
    var reply = RecommendationReply(
      request: RecommendationRequest(user: 7, count: 2, excludesRated: false, genres: ["A"]),
      recommendations: [
        Recommendation(movie: 11, title: "One", genres: "A|B", score: 0.1 + 0.2),
        Recommendation(movie: 12, title: "", genres: "", score: 1e-7),
      ],
      strategy: .personal, modelVersion: "m1", stateOffset: 99, latencyMilliseconds: 1)
    change(&reply)
    var writer = JSONWriter()
    reply.write(to: &writer)
    return writer.copyBytes()
  }

  @Test func recordedPredictionsAreReadToTheLastBit() throws {
    let prediction = try PredictionRecord(reply(), place: "here").prediction
    #expect(
      prediction.request
        == RecommendationRequest(user: 7, count: 2, excludesRated: false, genres: ["A"]))
    #expect(prediction.strategy == .personal && prediction.modelVersion == "m1")
    #expect(prediction.stateOffset == 99)
    #expect(
      prediction.movies == [
        ScoredMovie(movie: 11, score: 0.1 + 0.2), ScoredMovie(movie: 12, score: 1e-7),
      ])
  }

  @Test func whatIsNoPredictionIsNamed() {
    var writer = JSONWriter()
    RequestError(code: "invalid_json", message: "No.").write(to: &writer)
    let values: [([UInt8], String)] = [
      (writer.copyBytes(), "is an error reply"), (Array("x".utf8), "is not a prediction"),
      ([], "is not"),
      (Array(#"{"user_id":1,"recommendations":[],"strategy":"popular"}"#.utf8), "older version"),
    ]
    for (value, text) in values {
      let error = #expect(throws: CommandFailure.self) {
        _ = try PredictionRecord(value, place: "here")
      }
      #expect(error?.message.hasPrefix("here ") == true && error?.message.contains(text) == true)
    }
  }
}
