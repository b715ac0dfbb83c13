import Console
import Foundation
import Pipeline
import Recommender

/// A model that was trained to take the place of what serves, and what the gate makes of it.
struct Candidate {
  let model: PublishedModel
  /// The model that serves; `nil` for none.
  let serving: FactorModel?
  private let settings: GateComparison?
  private let models: GateComparison?
  private let gate: Gate

  /// Trains on all ratings, and judges on their tail.
  ///
  /// - Parameters:
  ///   - knows: the users whom the serving model knew.
  ///   - step: called before each step, which takes long; throws to end.
  init(
    _ ratings: RatingMatrix, to ends: [Int64], against serving: FactorModel?,
    _ training: ModelTraining, _ gate: Gate, knows: (Int64) -> Bool, step: () throws -> Void
  ) throws {
    self.serving = serving
    self.gate = gate
    try step()
    let start = serving?.metadata.parameters ?? ModelParameters()
    let chosen = try training.settings(for: ratings, start: start, step: step)
    try step()
    let threads = training.threads
    model = try TrainingRun.train(
      ratings, chosen.parameters, threads: threads, label: "training", trainedTo: ends,
      search: chosen.trials
    ).model
    guard let serving, serving.version != model.model.version else {
      settings = nil
      models = nil
      return
    }
    try step()
    let tail = GateTail(ratings, isJudge: knows)
    func measures(_ model: FactorModel, _ name: String) -> GateMeasures {
      var progress = ProgressBar("judging \(name)", unit: "users", goal: .count(tail.users))
      defer { progress.close(tail.users) }
      return tail.measures(of: model, threads: threads) {
        progress.update(Int($0 * Double(tail.users)))
      }
    }
    models = GateComparison(
      users: tail.users, candidate: measures(model.model, "the candidate"),
      serving: measures(serving, "the serving model"))
    guard chosen.parameters != serving.metadata.parameters, tail.users > 0 else {
      settings = nil
      return
    }
    func measures(of parameters: ModelParameters, _ name: String) throws -> GateMeasures {
      try step()
      let trained = try TrainingRun.train(
        tail.training, parameters, threads: threads, label: "training \(name) to the cut")
      return measures(trained.model.model, name)
    }
    settings = GateComparison(
      users: tail.users, candidate: try measures(of: chosen.parameters, "the new settings"),
      serving: try measures(of: serving.metadata.parameters, "the serving settings"))
  }

  /// What becomes of it.
  ///
  /// - Parameters:
  ///   - present: the model that serves now.
  ///   - shadows: whether it is a shadow before it may serve.
  func verdict(servingNow present: String?, shadows: Bool, at milliseconds: Int64) -> ModelVerdict {
    func verdict(_ decision: ModelVerdict.Decision, _ reason: String) -> ModelVerdict {
      ModelVerdict(
        decision, reason: reason, milliseconds: milliseconds, against: serving?.version,
        gate: gate.ratio, settings: settings, models: models)
    }
    guard present == serving?.version else {
      return verdict(
        .kept,
        "what serves has changed while it was trained, from \(serving?.version ?? "popularity") to"
          + " \(present ?? "popularity")")
    }
    guard let models else {
      return verdict(
        .promoted, serving == nil ? "no model served" : "it is the model that serves")
    }
    let (passes, reason) = gate.judge(settings: settings, models: models)
    return verdict(passes ? (shadows ? .shadowed : .promoted) : .kept, reason)
  }
}
