import Console
import Foundation
import Recommender

/// Trains with a progress bar.
enum TrainingRun {
  /// - Parameters:
  ///   - label: what is under way: "training".
  ///   - trainedTo: by partition of validated-ratings.
  /// - Returns: the model, encoded, and the loss after each epoch.
  static func train(
    _ ratings: RatingMatrix, _ parameters: ModelParameters, threads: Int, label: String,
    trainedTo: [Int64] = []
  ) throws -> (model: PublishedModel, losses: [Double]) {
    guard ratings.count > 0 else {
      throw CommandFailure(.failure, "there is not a single rating to train on")
    }
    var trainer = Trainer(ratings, parameters: parameters, threads: threads)
    var losses: [Double] = []
    for epoch in 1...parameters.epochs {
      var progress = ProgressBar(
        "\(label), epoch \(epoch) of \(parameters.epochs)", unit: "ratings",
        goal: .count(ratings.count))
      do throws(UnsolvableEquations) {
        losses.append(
          try trainer.runEpoch { progress.update(Int($0 * Double(ratings.count))) })
      } catch {
        throw CommandFailure(.failure, "training failed: \(error)")
      }
      progress.finish(
        ratings.count, note: String(format: "loss %.5f", losses[losses.count - 1]))
    }
    let rows = trainer.rows
    let (movies, factors) = trainer.finish()
    let metadata = ModelMetadata(
      version: "", parameters: parameters, trainedTo: trainedTo, users: ratings.users.count,
      movies: movies.count, ratings: ratings.count, rows: rows,
      newestRatingMilliseconds: ratings.newestMilliseconds, loss: losses[losses.count - 1])
    return (PublishedModel(metadata: metadata, movies: movies, factors: factors), losses)
  }
}
