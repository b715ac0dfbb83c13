import ArgumentParser
import Foundation
import Operations
import Recommender
import TestSupport
import Testing

@testable import projectionist

@Suite struct TrainingCommandTests {
  @Test(arguments: [
    ["--factors", "0"], ["--factors", "2049"], ["--epochs", "0"], ["--regularization", "0"],
    ["--regularization", "nan"], ["--window", "-1"], ["--recency-half-life", "-1"],
    ["--prior", "-1"], ["--sitting", "1.5"], ["--sitting-hours", "0"], ["--trend-half-life", "0"],
    ["--at", "log-end"], ["--ratings", "x", "--csv", "y", "--evaluate", "--at", "log-end"],
    ["--threads", "0"], ["--top", "0"], ["--keep", "0"], ["--protocol", "strong"],
    ["--scale", "10"], ["--skip-invalid"], ["--ratings", "x", "--scale", "0"],
    ["--ratings", "x", "--promote"], ["--ratings", "x", "--until", "0:1"], ["--until", "soon"],
    ["--every", "soon"], ["--every", "0h"], ["--every", "-1h"], ["--every", "99999999999999999h"],
    ["--after-ratings", "0"], ["--gate", "1"], ["--shadow", "1h"],
    ["--every", "1h", "--gate", "0"], ["--every", "1h", "--gate", "nan"],
    ["--every", "1h", "--shadow-lists", "5"],
    ["--every", "1h", "--shadow", "1h", "--shadow-lists", "0"], ["--every", "1h", "--promote"],
    ["--every", "1h", "--evaluate"], ["--after-ratings", "9", "--until", "0:1"],
    ["--after-ratings", "9", "--ratings", "x"],
  ]) func flagsThatMakeNoSenseAreRefused(arguments: [String]) {
    #expect(throws: (any Error).self) { try TrainCommand.parse(arguments) }
  }

  @Test func flagsAreParameters() throws {
    let command = try TrainCommand.parse([
      "--factors", "8", "--epochs", "2", "--regularization", "0.25", "--neighbours", "4",
      "--window", "10", "--recency-half-life", "2", "--taste", "0", "--seed", "9",
      "--prior", "5", "--trend", "1", "--trend-half-life", "30", "--quality", "0.5",
      "--sitting", "0.25", "--sitting-hours", "2",
    ])
    var expected = ModelParameters()
    expected.factors = 8
    expected.epochs = 2
    expected.regularization = 0.25
    expected.neighbours = 4
    expected.window = 10
    expected.recencyHalfLife = 2
    expected.taste = 0
    expected.seed = 9
    expected.prior = 5
    expected.trend = 1
    expected.trendHalfLife = 30
    expected.quality = 0.5
    expected.sitting = 0.25
    expected.sittingHours = 2
    #expect(command.training.parameters(over: ModelParameters()) == expected)
    #expect(command.training.fixedKnobs == Set(SettingsSearch.Knob.allCases))
    #expect(try TrainCommand.parse(["--prior", "1"]).training.fixedKnobs == [.prior])
    #expect(try TrainCommand.parse(["--neighbours", "1"]).training.fixedKnobs == [])
  }

  @Test func aServiceHasAPlan() throws {
    let defaults = try TrainCommand.parse(["--every", "6h"]).service.plan(keep: 5, threads: 1)
    #expect(defaults.schedule == TrainerSchedule(every: .seconds(21_600), afterRatings: nil))
    #expect(defaults.gate == 1 && defaults.shadow == nil && defaults.shadowLists == 20)
    let plan = try TrainCommand.parse([
      "--every", "90s", "--after-ratings", "100000", "--gate", "0.98", "--shadow", "30m",
      "--shadow-lists", "7",
    ]).service.plan(keep: 3, threads: 2)
    #expect(plan.schedule == TrainerSchedule(every: .seconds(90), afterRatings: 100_000))
    #expect(plan.gate == 0.98 && plan.shadow == .seconds(1_800) && plan.shadowLists == 7)
    #expect(plan.keep == 3 && plan.threads == 2)
    #expect(try !TrainCommand.parse([]).service.isAsked)
  }

  /// From a file, as evalrecs.py is fed: nobody is recommended what they rated, ranks count from 1.
  @Test func recommendationsOfAFileAreWritten() throws {
    let directory = FileManager.default.temporaryDirectory.appending(
      path: "projectionist-\(UUID().uuidString)")
    try FileManager.default.createDirectory(at: directory, withIntermediateDirectories: true)
    defer { try? FileManager.default.removeItem(at: directory) }
    let ratings = directory.appending(path: "train.csv")
    var rated: Set<[Int]> = []
    var text = "user_idx,movie_idx,rating,timestamp\n"
    for user in 0..<12 {
      for step in 0..<6 {
        let movie = (user * 5 + step * step) % 17
        guard rated.insert([user, movie]).inserted else { continue }
        text += "\(user),\(movie),4.0,\(1_000_000_000 + step)\n"
      }
    }
    try text.write(to: ratings, atomically: true, encoding: .utf8)
    let csv = directory.appending(path: "recs.csv")
    let command = try TrainCommand.parse([
      "--ratings", ratings.path, "--csv", csv.path, "--top", "5", "--factors", "4", "--json",
    ])
    try command.run()
    let lines = try String(contentsOf: csv, encoding: .utf8).split(separator: "\n")
    #expect(lines.first == "user,movie,rank")
    var ranks: [Int: [Int]] = [:]
    for line in lines.dropFirst() {
      let fields = line.split(separator: ",").compactMap { Int($0) }
      try #require(fields.count == 3)
      #expect(!rated.contains([fields[0], fields[1]]))
      ranks[fields[0], default: []].append(fields[2])
    }
    #expect(ranks.count == 12)
    #expect(ranks.values.allSatisfy { $0 == Array(1...5) })
  }

  /// Of a file whose every line the daemon refuses, no model is made.
  @Test func ratingsThatIntakeRefusesAreNotTrainedOn() throws {
    let tree = try FileTree(texts: [
      "r.csv": "userId,movieId,rating,timestamp\n1,2,4,1260759144\n2,2,4.2,1260759144\n"
    ])
    let path = "\(tree.path)/r.csv"
    #expect {
      try TrainCommand.parse(["--ratings", path, "--factors", "4"]).run()
    } throws: {
      "\($0)".hasPrefix("\(path):3: rating is '4.2', not 0.5 to 5 in half steps; 1 of 2 rows")
    }
    try TrainCommand.parse(["--ratings", path, "--factors", "4", "--skip-invalid"]).run()
  }
}
