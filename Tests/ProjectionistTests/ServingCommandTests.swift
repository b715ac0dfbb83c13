import ArgumentParser
import Codecs
import Foundation
import Logging
import Pipeline
import Ratings
import Recommender
import Streams
import Testing

@testable import Console
@testable import projectionist

@Suite struct ServingCommandTests {
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

  @Test func predictSendsWhatWasAskedFor() throws {
    let command = try #require(
      try PredictCommand.parseAsRoot([
        "7", "--count", "3", "--genres", "Comedy|Drama", "--include-rated", "--history", "--model",
        "m1",
      ]) as? PredictCommand)
    #expect(
      command.request
        == RecommendationRequest(
          user: 7, count: 3, excludesRated: false, genres: ["Comedy", "Drama"],
          includesHistory: true, modelVersion: "m1"))
    let plain = try #require(try PredictCommand.parseAsRoot(["7"]) as? PredictCommand)
    #expect(plain.request == RecommendationRequest(user: 7))
    #expect(throws: (any Error).self) { try PredictCommand.parseAsRoot(["7", "--timeout", "0"]) }
  }

  @Test func predictShowsHowTheAnswerWasMade() throws {
    let personal = try PredictCommand.text(of: reply())
    #expect(personal.contains("0.3000  One    A|B"))
    #expect(personal.contains("strategy personal, model m1, state offset 99"))
    #expect(!personal.contains("RATED"))
    let four = try #require(HalfStars(stars: 4))
    let popular = try PredictCommand.text(
      of: reply {
        $0.strategy = .popular
        $0.reason = .noRatings
        $0.modelVersion = nil
        $0.history = [
          RatedMovie(
            movie: 5, title: "Five", genres: "C",
            rating: TimedRating(rating: four, timeMilliseconds: 0))
        ]
      })
    #expect(popular.contains("strategy popular (no_ratings), state offset 99"))
    #expect(popular.contains("  4.0      5  Five   C"))
  }

  @Test func predictPassesErrorRepliesOn() {
    var writer = JSONWriter()
    RequestError(code: "unknown_model", message: "No.", user: 7).write(to: &writer)
    let value = writer.copyBytes()
    #expect(throws: CommandFailure(.failure, "unknown_model: No.")) {
      try PredictCommand.text(of: value)
    }
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

  @Test func theStatusLineTellsOfARestore() {
    var status = StageStatus(stage: "user")
    status.phase = .restoring(
      RestoreStatus(
        changelog: "app-user-changelog", partitions: 4, applied: 250, total: 1_000,
        elapsed: .seconds(1)))
    let restoring = StatusReporter.metadata(of: status, records: 0, seconds: 10)
    #expect(restoring?["restoring"] == "app-user-changelog" && restoring?["percent"] == "25")
    #expect(restoring?["changelog_lag"] == "750")
    status.phase = .running
    #expect(StatusReporter.metadata(of: status, records: 0, seconds: 10) == nil)
    let running = StatusReporter.metadata(of: status, records: 50, seconds: 10)
    #expect(running?["events_per_second"] == "5" && running?["restoring"] == nil)
  }

  @Test func theStatusLineTellsWhatPredictDid() {
    var status = PredictStatus()
    status.personal = 5
    status.late = 2
    status.keptModels = ["a", "b"]
    let plain = StatusReporter.metadata(of: status)
    #expect(plain["late"] == "2" && plain["personal"] == "5" && plain["model"] == "none")
    #expect(plain["kept_models"] == "a,b" && plain["shadow_overlap_at_10"] == nil)
    status.modelVersion = "b"
    status.shadows = 3
    status.shadowOverlapSum = 2
    let shadowed = StatusReporter.metadata(of: status)
    #expect(shadowed["model"] == "b" && shadowed["shadow_overlap_at_10"] == "0.667")
  }
}
