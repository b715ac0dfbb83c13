import ArgumentParser
import Console
import Foundation
import Recommender

/// The training options of every command that trains a model.
struct TrainingOptions: ParsableArguments {
  private static let defaults = ModelParameters()

  @Option(help: "The length of every movie's vector.")
  var factors: Int?
  @Option(help: "Passes over all ratings.")
  var epochs: Int?
  @Option(help: "The cost of a vector's length, per rating in its equations.")
  var regularization: Double?
  @Option(help: "How that cost grows with the number of ratings, 0 to 1.")
  var regularizationExponent: Double?
  @Option(help: "The weight of all unrated pairs together, relative to that of all ratings.")
  var unobservedWeight: Double?
  @Option(help: "Ratings per window of a user's history; 0 leaves histories whole.")
  var window: Int?
  @Option(help: "How many newer ratings halve a rating's weight; 0 for no decay.")
  var recencyHalfLife: Double?
  @Option(help: "What a star above the user's mean adds to a rating's weight of 1.")
  var taste: Double?
  @Option(help: "The same seed gives the same model, to the last bit.")
  var seed: UInt64?
  @Option(help: "Threads; the model is the same for any number. One per core by default.")
  var threads: Int?

  func validate() throws {
    if let problem = parameters(over: Self.defaults).problem {
      throw ValidationError("\(problem).")
    }
    try (1...1024).check(threads, "--threads")
  }

  /// The given parameters, and those of `base` for the rest.
  func parameters(over base: ModelParameters) -> ModelParameters {
    var parameters = base
    parameters.factors = factors ?? base.factors
    parameters.epochs = epochs ?? base.epochs
    parameters.regularization = regularization ?? base.regularization
    parameters.regularizationExponent = regularizationExponent ?? base.regularizationExponent
    parameters.unobservedWeight = unobservedWeight ?? base.unobservedWeight
    parameters.window = window ?? base.window
    parameters.recencyHalfLife = recencyHalfLife ?? base.recencyHalfLife
    parameters.taste = taste ?? base.taste
    parameters.seed = seed ?? base.seed
    return parameters
  }

  var threadCount: Int { threads ?? ProcessInfo.processInfo.activeProcessorCount }
}

/// Trains with a progress bar.
enum TrainingRun {
  /// - Parameters:
  ///   - label: names the work, such as "training".
  ///   - trainedTo: offsets by partition of validated-ratings.
  /// - Returns: the encoded model, and the loss after each epoch.
  static func train(
    _ ratings: RatingMatrix, _ parameters: ModelParameters, threads: Int, label: String,
    trainedTo: [Int64] = []
  ) throws -> (model: PublishedModel, losses: [Double]) {
    guard ratings.count > 0 else {
      throw CommandFailure(.failure, "there are no ratings to train on")
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
