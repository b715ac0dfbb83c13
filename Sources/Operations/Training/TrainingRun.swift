import Console
import Foundation
import Recommender

/// Trains with a progress bar.
enum TrainingRun {
  /// - Parameters:
  ///   - label: what is under way: "training".
  ///   - trainedTo: by partition of validated-ratings.
  ///   - search: the trials that chose the parameters.
  /// - Returns: the model, encoded, and the loss after each epoch.
  static func train(
    _ ratings: RatingMatrix, _ parameters: ModelParameters, threads: Int, label: String,
    trainedTo: [Int64] = [], search: [SettingsTrial] = []
  ) throws -> (model: PublishedModel, losses: [Double]) {
    try requireRatings(ratings)
    var trainer = Trainer(ratings, parameters: parameters, threads: threads)
    var losses: [Double] = []
    for epoch in 1...parameters.epochs {
      var progress = ProgressBar(
        "\(label), epoch \(epoch) of \(parameters.epochs)", unit: "ratings",
        goal: .count(ratings.count))
      losses.append(trainer.runEpoch { progress.update(Int($0 * Double(ratings.count))) })
      progress.finish(
        ratings.count, note: String(format: "loss %.5f", losses[losses.count - 1]))
    }
    var fit: Fit
    do throws(UnsolvableEquations) { fit = try trainer.finish() } catch {
      throw CommandFailure(.failure, "training failed: \(error)")
    }
    let metadata = ModelMetadata(
      training: ratings, fit, parameters, losses: losses, trainedTo: trainedTo, search: search)
    let model = PublishedModel(metadata: metadata, contents: fit.contents(parameters))
    return (model.addingSamples(of: ratings), losses)
  }

  /// Chooses the settings on parts cut from the ratings.
  ///
  /// - Parameters:
  ///   - start: where the search starts.
  ///   - fixed: what keeps its settings.
  ///   - step: called before each trial; throws to end.
  static func search(
    _ ratings: RatingMatrix, start: ModelParameters, fixed: Set<SettingsSearch.Knob>, threads: Int,
    step: () throws -> Void
  ) throws -> (parameters: ModelParameters, trials: [SettingsTrial]) {
    try requireRatings(ratings)
    var fitting = ProgressBar(
      "training to choose settings", unit: "models", goal: .count(SettingsSearch.fits))
    var begun = 0
    var search: SettingsSearch
    do throws(UnsolvableEquations) {
      search = try SettingsSearch(ratings, start: start, fixed: fixed, threads: threads) { _ in
        fitting.update(begun)
        begun += 1
      }
    } catch {
      throw CommandFailure(.failure, "choosing settings failed: \(error)")
    }
    fitting.finish(begun)
    var progress = ProgressBar("choosing settings", unit: "trials", goal: .unknown)
    var tried = 0
    let parameters = try search.run { _ in
      tried += 1
      progress.update(tried)
      try step()
    }
    progress.finish(tried)
    return (parameters, search.trials)
  }

  private static func requireRatings(_ ratings: RatingMatrix) throws {
    guard ratings.count > 0 else {
      throw CommandFailure(.failure, "there is not a single rating to train on")
    }
  }
}
