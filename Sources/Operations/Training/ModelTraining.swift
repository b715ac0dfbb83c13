package import Configuration
import Console
import Foundation
import KafkaLog
package import Logging
import Pipeline
package import Recommender
import Streams
import Wiring

/// Trains a model, scores it if asked to, and publishes it if it is the log's.
package struct ModelTraining {
  /// What was done, and how the model scored where that was asked for.
  package typealias Outcome = (summary: TrainingSummary, evaluation: EvaluationRun?)

  /// Recommendations to write to a file.
  package struct Lists {
    package let file: String
    /// For each user.
    package let count: Int
    /// The moment they are for.
    package let moment: ListMoment

    package init(file: String, count: Int, moment: ListMoment = .lastRating) {
      self.file = file
      self.count = count
      self.moment = moment
    }
  }

  /// Weeks to replay.
  package struct Weekly {
    package let count: Int
    /// The page to draw them on; `nil` for none.
    package let plot: String?

    package init(count: Int, plot: String?) {
      self.count = count
      self.plot = plot
    }
  }

  /// How the settings are found.
  package enum Choice {
    case given(ModelParameters)
    /// By a search that starts at the settings of the model that serves, or at those of the given
    /// function's argument; what is fixed keeps what the function gives.
    case searched(fixed: Set<SettingsSearch.Knob>, (ModelParameters) -> ModelParameters)
  }

  private let choice: Choice
  private let threads: Int
  /// `nil` for no evaluation.
  private let evaluationProtocol: EvaluationProtocol?
  private let weekly: Weekly?
  private let lists: Lists?
  /// Told what becomes of the model, for people.
  private let note: (String) -> Void

  package init(
    _ choice: Choice, threads: Int, evaluation: EvaluationProtocol?, weekly: Weekly? = nil,
    lists: Lists?,
    note: @escaping (String) -> Void
  ) {
    self.choice = choice
    self.threads = threads
    evaluationProtocol = evaluation
    self.weekly = weekly
    self.lists = lists
    self.note = note
  }

  /// Trains on files; nothing is published.
  package func train(from source: RatingFileSource) throws -> Outcome {
    let ratings = try RatingsInput.read(source, note: note)
    let evaluation = try evaluated(ratings, start: ModelParameters())
    var summary = TrainingSummary(evaluation)
    summary.replay = try replayed(ratings, start: ModelParameters())
    if evaluation == nil {
      let settings = try settings(for: ratings, start: ModelParameters())
      let trained = try TrainingRun.train(
        ratings, settings.parameters, threads: threads, label: "training",
        search: settings.trials)
      summary.describe(trained.model.model.metadata, losses: trained.losses)
      try writeLists(of: trained.model.model, ratings)
    }
    return (summary, evaluation)
  }

  /// Trains on `validated-ratings` and publishes the model to `models`.
  ///
  /// - Parameters:
  ///   - cutoff: up to where to read; up to the end for `nil`.
  ///   - promotes: whether the model serves, also when another does.
  ///   - keep: models kept on the topic.
  package func train(
    fromLog settings: Settings, _ logger: Logger, until cutoff: TrainingCutoff?, promotes: Bool,
    keep: Int
  ) throws -> Outcome {
    let topology = settings.topology
    let ends = try TrainingCutoff.ends(cutoff, topology, try settings.makeAdmin(logger))
    let log = settings.makeShortTransactionLog(logger)
    // A missing topic fails here, before the work.
    let publisher = try ModelPublisher(
      log, topology: topology, clientID: "projectionist-train",
      transactionalID: settings.trainerID())
    let ratings = try RatingsInput.read(log, topology, ends: ends)
    if ratings.count == 0, cutoff != nil {
      throw CommandFailure(
        .failure,
        "there are no ratings before --until; a time refers to when records were produced, not to"
          + " the ratings' own times")
    }
    let serving = try ModelCatalog(
      reading: log, topology: topology, clientID: "projectionist-train"
    ).assembler.promoted?.metadata.parameters
    let start = serving ?? ModelParameters()
    let evaluation = try evaluated(ratings, start: start)
    var summary = TrainingSummary(evaluation)
    summary.replay = try replayed(ratings, start: start)
    // The strong protocol's settings are for comparison with published results, not for serving.
    if evaluationProtocol != .strong {
      let chosen = try self.settings(for: ratings, start: start)
      let trained = try TrainingRun.train(
        ratings, chosen.parameters, threads: threads, label: "training", trainedTo: ends,
        search: chosen.trials)
      let model = trained.model.adding(evaluation?.metrics)
      summary.describe(model.model.metadata, losses: trained.losses)
      if evaluation == nil { try writeLists(of: model.model, ratings) }
      try publisher.publish(model)
      summary.published = true
      try settle(
        model.model.version, log, topology, publisher, promotes: promotes, keep: keep, &summary)
    }
    return (summary, evaluation)
  }

  /// Promotes the model if it is to be, and deletes the oldest others.
  private func settle(
    _ version: String, _ log: KafkaLog, _ topology: Topology,
    _ publisher: ModelPublisher<KafkaLog>, promotes: Bool, keep: Int,
    _ summary: inout TrainingSummary
  ) throws {
    let catalog = try ModelCatalog(
      reading: log, topology: topology, clientID: "projectionist-train")
    let current = catalog.assembler.promotion
    if promotes || current == nil {
      let next = current?.promoting(version) ?? ModelPromotion(version: version)
      try publisher.promote(next)
      summary.promoted = true
      note("promoted \(version)" + (current.map { ", after \($0.version)" } ?? ""))
    } else if let current {
      note(
        "\(current.version) keeps serving; to change that: `projectionist models promote \(version)`"
      )
    }
    let spared = Set([version] + (current.map { [$0.version] + $0.previous.prefix(1) } ?? []))
    let models = catalog.assembler.models.values.map(\.metadata)
    for old in models.sorted(by: ModelMetadata.isNewer).dropFirst(keep)
    where !spared.contains(old.version) {
      try publisher.delete(version: old.version, parts: old.partChecksums.count)
      summary.deleted.append(old.version)
      note("deleted \(old.version)")
    }
  }

  /// The settings to train with on these ratings, and the trials that chose them.
  private func settings(for ratings: RatingMatrix, start: ModelParameters) throws
    -> (parameters: ModelParameters, trials: [SettingsTrial])
  {
    switch choice {
    case .given(let parameters): return (parameters, [])
    case .searched(let fixed, let changed):
      let found = try TrainingRun.search(
        ratings, start: changed(start), fixed: fixed, threads: threads)
      let settings = found.parameters.settings.map { "\($0.name) \($0.value)" }
      note("\(found.trials.count) trials chose \(settings.joined(separator: ", "))")
      return found
    }
  }

  private func evaluated(_ ratings: RatingMatrix, start: ModelParameters) throws -> EvaluationRun? {
    guard let evaluationProtocol else { return nil }
    let run = try EvaluationRun(ratings, evaluationProtocol, threads: threads) { training in
      try settings(for: training, start: start).parameters
    }
    if let lists {
      try RecommendationFile.write(
        run.lists, users: run.holdOut.known.users, movies: run.model.model.movies,
        to: lists.file)
    }
    return run
  }

  private func replayed(_ ratings: RatingMatrix, start: ModelParameters) throws -> WeeklyRun? {
    guard let weekly else { return nil }
    let run = try WeeklyRun(ratings, count: weekly.count, threads: threads) { training in
      try settings(for: training, start: start).parameters
    }
    if let plot = weekly.plot { try QualityPlot(weeks: run.weeks).write(to: plot) }
    return run
  }

  private func writeLists(of model: FactorModel, _ ratings: RatingMatrix) throws {
    guard let file = lists?.file, let count = lists?.count else { return }
    var progress = ProgressBar("recommending", unit: "users", goal: .count(ratings.users.count))
    let users = Double(ratings.users.count)
    let moment = self.lists?.moment == .logEnd ? ratings.newestMilliseconds : nil
    let lists = model.recommendations(
      for: ratings, at: moment, count: count, threads: threads
    ) { progress.update(Int($0 * users)) }
    progress.finish(ratings.users.count)
    try RecommendationFile.write(lists, users: ratings.users, movies: model.movies, to: file)
  }
}

/// The moment that lists in a file are for.
package enum ListMoment: String, CaseIterable, Sendable {
  /// That of each user's last rating.
  case lastRating = "last-rating"
  /// That of the newest rating of all.
  case logEnd = "log-end"
}

extension ModelMetadata {
  static func isNewer(_ a: ModelMetadata, _ b: ModelMetadata) -> Bool {
    a.newestRatingMilliseconds != b.newestRatingMilliseconds
      ? a.newestRatingMilliseconds > b.newestRatingMilliseconds : a.version > b.version
  }
}

extension Settings {
  /// A transactional id that no other writer of models has; `nil` where there are no transactions.
  func trainerID() -> String? {
    processing.guarantee == .exactlyOnce ? "\(application)-models-\(UUID().uuidString)" : nil
  }
}
