import ArgumentParser
import Foundation
import Operations
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

extension EvaluationProtocol: ExpressibleByArgument {}

extension TrainingCutoff: ExpressibleByArgument {
  package init?(argument: String) { self.init(argument) }
}
