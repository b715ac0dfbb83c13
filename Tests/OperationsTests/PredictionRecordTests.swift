import Codecs
import Pipeline
import Recommender
import TestSupport
import Testing

@testable import Console
@testable import Operations

@Suite struct PredictionRecordTests {
  @Test func recordedPredictionsAreReadToTheLastBit() throws {
    let prediction = try PredictionRecord(encodedReply(), place: "here").prediction
    #expect(
      prediction.request
        == RecommendationRequest(user: 7, count: 2, excludesRated: false, genres: ["A"]))
    #expect(prediction.strategy == .personal && prediction.modelVersion == "m1")
    #expect(prediction.stateOffset == 99 && prediction.diversity == nil)
    let diverse = encodedReply { $0.diversity = GenreDiversity(percent: 30) }
    #expect(
      try PredictionRecord(diverse, place: "here").prediction.diversity
        == GenreDiversity(percent: 30))
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
