import ArgumentParser
import Codecs
import Foundation
import Ratings
import Recommender
import TestSupport
import Testing

@testable import Console
@testable import projectionist

@Suite struct ServingCommandTests {
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
    let personal = try PredictCommand.text(of: encodedReply())
    #expect(personal.contains("0.3000  One    A|B"))
    #expect(personal.contains("strategy personal, model m1, state offset 99"))
    #expect(!personal.contains("RATED") && personal.contains("MODEL SCORE"))
    let four = try #require(HalfStars(stars: 4))
    let popular = try PredictCommand.text(
      of: encodedReply {
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
    #expect(popular.contains("STARS") && !popular.contains("SCORE"))
    #expect(popular.contains("  4.0      5  Five   C"))
  }

  @Test(arguments: [
    [], ["--partition", "1"], ["--offset", "1"], ["--user", "1", "--offset", "1"],
    ["--user", "1", "--partition", "0", "--offset", "1"], ["--partition", "-1", "--offset", "0"],
  ]) func explainTakesAPlaceOrAUser(arguments: [String]) throws {
    #expect(throws: (any Error).self) { try ExplainCommand.parse(arguments) }
    _ = try ExplainCommand.parse(["--partition", "1", "--offset", "0"])
    _ = try ExplainCommand.parse(["--user", "7"])
  }

  @Test func predictPassesErrorRepliesOn() {
    var writer = JSONWriter()
    RequestError(code: "unknown_model", message: "No.", user: 7).write(to: &writer)
    let value = writer.copyBytes()
    #expect(throws: CommandFailure(.failure, "unknown_model: No.")) {
      try PredictCommand.text(of: value)
    }
  }
}
