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
  let threads: Int
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
    if let weekly { try WeeklyRun.check(ratings, count: weekly.count) }
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
    let admin = try settings.makeAdmin(logger)
    // Another application's daemons would serve the model.
    try TopicOwners(settings, logger).check(try admin.topics())
    let ends = try TrainingCutoff.ends(cutoff, topology, admin)
    let log = settings.makeShortTransactionLog(logger)
    // A missing topic fails here, before the work.
    let start =
      try ModelCatalog(reading: log, topology: topology, clientID: "projectionist-train")
      .assembler.promoted?.metadata.parameters ?? ModelParameters()
    let ratings = try RatingsInput.read(log, topology, ends: ends)
    guard ratings.count > 0 else {
      throw CommandFailure(
        .failure,
        cutoff == nil
          ? "\(topology[.validatedRatings]) holds no ratings to train on: `projectionist run` judges"
            + " those of \(topology[.userRatings]) and puts them there"
          : "there are no ratings before --until; a time refers to when records were produced, not"
            + " to the ratings' own times")
    }
    if let weekly { try WeeklyRun.check(ratings, count: weekly.count) }
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
      let decision = ModelDecision(
        log, topology: topology, clientID: "projectionist-train",
        transactionalID: settings.modelWriterID)
      let settled = try decision {
        settle(model, in: $0, promotes: promotes, keep: keep)
      }
      summary.published = true
      summary.promoted = settled.promoted
      summary.deleted = settled.deleted
      settled.notes.forEach(note)
    }
    return (summary, evaluation)
  }

  /// What becomes of a model that was published.
  private struct Settled {
    var promoted = false
    var deleted: [String] = []
    /// For people.
    var notes: [String] = []
  }

  /// Publishes the model, promotes it if it is to be, and deletes the oldest others.
  private func settle(
    _ published: PublishedModel, in catalog: ModelCatalog, promotes: Bool, keep: Int
  ) -> (changes: [ModelChange], result: Settled) {
    let version = published.model.version
    let current = catalog.assembler.promotion
    var changes: [ModelChange] = [.publish(published)]
    var settled = Settled()
    if promotes || current == nil {
      changes +=
        catalog.promote(
          version, reason: "promoted by train, after \(catalog.servingName)",
          at: Moment.milliseconds
        ).changes
      settled.promoted = true
      settled.notes = ["promoted \(version)" + (current.map { ", after \($0.version)" } ?? "")]
    } else if let current, current.version != version {
      let candidate = ModelPromotion(
        version: version, reason: "published by train", milliseconds: Moment.milliseconds)
      changes.append(.role(.candidate, candidate))
      settled.notes = [
        "\(current.version) keeps serving; to change that: `projectionist models promote"
          + " \(version)`"
      ]
    }
    for old in catalog.prune(keeping: keep - 1, and: version) {
      changes += catalog.delete(old.version) ?? []
      settled.deleted.append(old.version)
      settled.notes.append("deleted \(old.version)")
    }
    return (changes, settled)
  }

  /// The settings to train with on these ratings, and the trials that chose them.
  ///
  /// - Parameter step: called before each trial; throws to end.
  func settings(
    for ratings: RatingMatrix, start: ModelParameters, step: () throws -> Void = {}
  ) throws -> (parameters: ModelParameters, trials: [SettingsTrial]) {
    switch choice {
    case .given(let parameters): return (parameters, [])
    case .searched(let fixed, let changed):
      let found = try TrainingRun.search(
        ratings, start: changed(start), fixed: fixed, threads: threads, step: step)
      let settings = found.parameters.settings.map { "\($0.name) \($0.value)" }
      note("\(found.trials.count) trials chose \(settings.joined(separator: ", "))")
      return found
    }
  }

  private func evaluated(_ ratings: RatingMatrix, start: ModelParameters) throws -> EvaluationRun? {
    guard let evaluationProtocol else { return nil }
    let run = try EvaluationRun(ratings, evaluationProtocol, threads: threads) { training in
      try settings(for: training, start: start)
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

extension Settings {
  /// The transactional id of all who change `models`, each of whom fences those before; `nil`
  /// where there are no transactions.
  var modelWriterID: String? {
    processing.guarantee == .exactlyOnce ? topology.name(ofPart: "models") : nil
  }
}
