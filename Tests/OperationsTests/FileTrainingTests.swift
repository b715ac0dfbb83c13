import Console
import Foundation
import Processes
import Recommender
import Testing

@testable import Operations

struct FileTrainingTests {
  /// Trains on a file of 40 users with 20 ratings each, `days` apart.
  private func train(
    days: Int, _ choice: ModelTraining.Choice, weekly: Int? = nil, note: @escaping (String) -> Void
  ) throws -> ModelTraining.Outcome {
    let directory = try TemporaryDirectory("file-training")
    let path = "\(directory.path)/ratings.csv"
    var text = "userId,movieId,rating,timestamp\n"
    for user in 1...40 {
      for number in 0..<20 {
        let movie = 1 + (user * 7 + number * 3) % 60
        let time = 1_600_000_000 + number * days * 86_400 + user
        text += "\(user),\(movie),\(Double(1 + (user + movie) % 9) / 2),\(time)\n"
      }
    }
    try text.write(toFile: path, atomically: true, encoding: .utf8)
    let training = ModelTraining(
      choice, threads: 2, evaluation: .perUser, weekly: weekly.map { .init(count: $0, plot: nil) },
      lists: nil, note: note)
    return try training.train(from: RatingFileSource(path: path))
  }

  @Test func anEvaluationSaysWithWhichSettingsAndHowTheyWereFound() throws {
    let outcome = try train(days: 1, .searched(fixed: []) { $0 }) { _ in }
    let text = try JSONText.of(outcome.summary)
    let object = try #require(
      try JSONSerialization.jsonObject(with: Data(text.utf8)) as? [String: Any])
    let settings = try #require(object["settings"] as? [String: String])
    #expect(settings["factors"] != nil && settings["prior"] != nil)
    #expect(try #require(object["search"] as? [String]).first?.hasPrefix("start: ") == true)
  }

  @Test func givenSettingsAreSaidWithoutASearch() throws {
    var parameters = ModelParameters()
    parameters.factors = 3
    let outcome = try train(days: 1, .given(parameters)) { _ in }
    let text = try JSONText.of(outcome.summary)
    let object = try #require(
      try JSONSerialization.jsonObject(with: Data(text.utf8)) as? [String: Any])
    #expect((object["settings"] as? [String: String])?["factors"] == "3")
    #expect((object["search"] as? [String])?.isEmpty == true)
  }

  /// Otherwise what was evaluated is lost with it.
  @Test func weeksThatCantBeReplayedAreToldBeforeTheWork() throws {
    // All is rated within the first of the weeks: nobody has rated before.
    var notes: [String] = []
    let failure = #expect(throws: CommandFailure.self) {
      _ = try train(days: 0, .searched(fixed: []) { $0 }, weekly: 3) { notes.append($0) }
    }
    #expect(failure?.message.contains("nothing to replay") == true)
    #expect(notes.isEmpty, "\(notes)")
  }

  @Test func weeksAreReplayed() throws {
    let outcome = try train(days: 2, .given(ModelParameters()), weekly: 2) { _ in }
    #expect(outcome.summary.replay?.weeks.count == 2)
  }
}
