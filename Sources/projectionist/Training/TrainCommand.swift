import ArgumentParser
import Configuration
import Console
import Foundation
import KafkaLog
import Logging
import Pipeline
import Recommender
import Streams
import Wiring

/// `projectionist train`
struct TrainCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "train",
    abstract: "Train a model from the log and publish it.",
    discussion: """
      Reads validated-ratings from its beginning, trains, and publishes the model to the topic \
      models. A model is a function of the log: the same offsets and flags give the same version. \
      Every running daemon loads it. It serves at once with --promote or if no model is promoted \
      yet, and otherwise after `projectionist models promote`.

        projectionist train --evaluate --promote
        projectionist train --until 2024-06-01 --factors 128
        projectionist train --until 0:120000,1:119000,2:121000,3:118000

      With a file of ratings instead of the log, nothing is published and Kafka is not needed:

        projectionist train --ratings ml-latest-small --evaluate
        projectionist train --ratings train.csv --csv recommendations.csv
      """)

  @Option(
    help: ArgumentHelp(
      "Read validated-ratings up to these offsets, exclusive, or up to the first record produced at"
        + " or after this time; by default up to its end.", valueName: "0:100,1:90|time"))
  var until: TrainingCutoff?
  @Option(
    help: ArgumentHelp("Train on this file or MovieLens directory instead.", valueName: "file"),
    completion: .file())
  var ratings: String?
  @Flag(help: "First train on part of the ratings and score the rest.")
  var evaluate = false
  @Option(
    name: .customLong("protocol"),
    help: """
      What is held out: each user's newest fifth (per-user), the newest fifth of all (global), or \
      whole users (strong), which uses the settings of the published study.
      """)
  var protocolName = EvaluationProtocol.perUser
  @Option(
    help: ArgumentHelp(
      "Write each user's recommendations as user,movie,rank; with --evaluate, the scored ones.",
      valueName: "file"), completion: .file())
  var csv: String?
  @Option(help: "Recommendations for each user in that file.")
  var top = 10
  @Flag(help: "Make the model serve even if another does.")
  var promote = false
  @Option(help: "Models kept on the topic; the promoted one and the one before are never deleted.")
  var keep = 5
  @OptionGroup(title: "Training") var training: TrainingOptions
  @Flag(help: "Print a summary as JSON at the end.")
  var json = false
  @OptionGroup var common: CommonOptions

  func validate() throws {
    try (1...1000).check(top, "--top")
    guard keep >= 1 else { throw ValidationError("--keep must be 1 or more.") }
    if ratings != nil {
      if until != nil {
        throw ValidationError("--until is for the log and can't be used with --ratings.")
      }
      if promote {
        throw ValidationError("--promote can't be used with --ratings: nothing is published.")
      }
    }
    if !evaluate && protocolName != .perUser {
      throw ValidationError("--protocol requires --evaluate.")
    }
    if evaluate && csv != nil && top != 10 {
      throw ValidationError("--top can't be used with --evaluate: the scored lists are written.")
    }
  }

  func run() throws {
    let parameters = training.parameters(
      over: protocolName == .strong ? .publishedStudy : ModelParameters())
    if let warning = parameters.collapseWarning { Self.note("warning: \(warning)") }
    if let ratings {
      try trainFromFile(try RatingsInput.read(file: ratings), parameters)
    } else {
      try trainFromLog(parameters)
    }
  }

  private func trainFromFile(_ ratings: RatingMatrix, _ parameters: ModelParameters) throws {
    let evaluation = try evaluated(ratings, parameters)
    var summary = TrainingSummary(evaluation)
    if evaluation == nil {
      let trained = try TrainingRun.train(
        ratings, parameters, threads: training.threadCount, label: "training")
      summary.describe(trained.model.model.metadata, losses: trained.losses)
      try writeLists(of: trained.model.model, ratings)
    }
    try finish(summary, evaluation)
  }

  private func trainFromLog(_ parameters: ModelParameters) throws {
    let (settings, logger) = try common.start("train")
    let ends = try TrainingCutoff.ends(until, settings.topology, try settings.makeAdmin(logger))
    let log = settings.makeModelLog(logger)
    // A missing topic fails here, before the work.
    let publisher = try ModelPublisher(
      log, topology: settings.topology, clientID: "projectionist-train",
      transactionalID: settings.trainerID())
    let ratings = try RatingsInput.read(log, settings.topology, ends: ends)
    if ratings.count == 0, until != nil {
      throw CommandFailure(
        .failure,
        "there are no ratings before --until; a time refers to when records were produced, not to"
          + " the ratings' own times")
    }
    let evaluation = try evaluated(ratings, parameters)
    var summary = TrainingSummary(evaluation)
    // The strong protocol's settings are for comparison with published results, not for serving.
    if protocolName != .strong {
      let trained = try TrainingRun.train(
        ratings, parameters, threads: training.threadCount, label: "training", trainedTo: ends)
      let model = trained.model.adding(evaluation?.metrics)
      summary.describe(model.model.metadata, losses: trained.losses)
      if evaluation == nil { try writeLists(of: model.model, ratings) }
      try publisher.publish(model)
      summary.published = true
      try settle(model.model.version, log, settings.topology, publisher, &summary)
    }
    try finish(summary, evaluation)
  }

  /// Promotes the model if asked to or if none is promoted, and deletes the oldest others.
  private func settle(
    _ version: String, _ log: KafkaLog, _ topology: Topology,
    _ publisher: ModelPublisher<KafkaLog>,
    _ summary: inout TrainingSummary
  ) throws {
    let catalog = try ModelCatalog(
      reading: log, topology: topology, clientID: "projectionist-train")
    let current = catalog.assembler.promotion
    if promote || current == nil {
      let next = current?.promoting(version) ?? ModelPromotion(version: version)
      try publisher.promote(next)
      summary.promoted = true
      Self.note("promoted \(version)" + (current.map { ", after \($0.version)" } ?? ""))
    } else if let current {
      Self.note(
        "\(current.version) keeps serving; to change that: `projectionist models promote \(version)`"
      )
    }
    let spared = Set([version] + (current.map { [$0.version] + $0.previous.prefix(1) } ?? []))
    let models = catalog.assembler.models.values.map(\.metadata)
    for old in models.sorted(by: ModelMetadata.isNewer).dropFirst(keep)
    where !spared.contains(old.version) {
      try publisher.delete(version: old.version, parts: old.partChecksums.count)
      summary.deleted.append(old.version)
      Self.note("deleted \(old.version)")
    }
  }

  private func evaluated(_ ratings: RatingMatrix, _ parameters: ModelParameters) throws
    -> EvaluationRun?
  {
    guard evaluate else { return nil }
    let run = try EvaluationRun(
      ratings, protocolName, parameters, threads: training.threadCount)
    if let csv {
      try RecommendationFile.write(
        run.lists, users: run.holdOut.known.users, movies: run.model.model.movies, to: csv)
    }
    return run
  }

  private func writeLists(of model: FactorModel, _ ratings: RatingMatrix) throws {
    guard let csv else { return }
    var progress = ProgressBar("recommending", unit: "users", goal: .count(ratings.users.count))
    let users = Double(ratings.users.count)
    let lists: RecommendationLists
    do throws(UnsolvableEquations) {
      lists = try model.recommendations(
        for: ratings, count: top, threads: training.threadCount
      ) { progress.update(Int($0 * users)) }
    } catch {
      throw CommandFailure(.failure, "recommending failed: \(error)")
    }
    progress.finish(ratings.users.count)
    try RecommendationFile.write(lists, users: ratings.users, movies: model.movies, to: csv)
  }

  private func finish(_ summary: TrainingSummary, _ evaluation: EvaluationRun?) throws {
    if json { return print(try JSONText.of(summary)) }
    if let evaluation { print(evaluation.text, terminator: "") }
    if let version = summary.version {
      print(summary.published ? "published \(version)" : "trained \(version)")
    }
  }

  private static func note(_ text: String) {
    FileHandle.standardError.write(Data("\(text)\n".utf8))
  }
}

extension ModelParameters {
  /// Models have been seen to collapse above this ρ·λ; see Model.md.
  private static let collapse = 0.25

  fileprivate var collapseWarning: String? {
    guard unobservedWeight * regularization > Self.collapse, regularizationExponent == 1 else {
      return nil
    }
    return "unobserved weight times regularization is above \(Self.collapse): recommendations may"
      + " get much worse"
  }
}

extension ModelMetadata {
  static func isNewer(_ a: ModelMetadata, _ b: ModelMetadata) -> Bool {
    a.newestRatingMilliseconds != b.newestRatingMilliseconds
      ? a.newestRatingMilliseconds > b.newestRatingMilliseconds : a.version > b.version
  }
}

extension Settings {
  /// A transactional id unique to this writer of models; `nil` without transactions.
  func trainerID() -> String? {
    processing.guarantee == .exactlyOnce ? "\(application)-models-\(UUID().uuidString)" : nil
  }
}
