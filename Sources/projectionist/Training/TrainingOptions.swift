import ArgumentParser
import Foundation
import Operations
import Recommender

/// How a model is trained, for every command that trains one.
struct TrainingOptions: ParsableArguments {
  private static let defaults = ModelParameters()

  @Option(help: "The length of every movie's vector.")
  var factors: Int?
  @Option(help: "Sweeps over all ratings.")
  var epochs: Int?
  @Option(help: "What a vector's length costs, for each rating in its equations.")
  var regularization: Double?
  @Option(help: "How that grows with the number of ratings, 0 to 1.")
  var regularizationExponent: Double?
  @Option(help: "What all that is not rated weighs together, in ratings, for each one there is.")
  var unobservedWeight: Double?
  @Option(help: "Ratings in each of the windows that a user's history is cut into; 0 for one.")
  var window: Int?
  @Option(help: "A rating's weight halves with each so many newer ones; 0: never.")
  var recencyHalfLife: Double?
  @Option(help: "What a star above the user's mean adds to a rating's weight of 1.")
  var taste: Double?
  @Option(help: "The same seed gives the same model, to the last bit.")
  var seed: UInt64?
  @Option(help: "Threads; the model is the same for any number. By default, one a core.")
  var threads: Int?

  func validate() throws {
    if let problem = parameters(over: Self.defaults).problem {
      throw ValidationError("\(problem).")
    }
    try (1...1024).check(threads, "--threads")
  }

  /// The parameters: those given, and `base` for the others.
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
