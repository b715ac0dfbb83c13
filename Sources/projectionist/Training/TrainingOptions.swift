import ArgumentParser
import Foundation
import Operations
import Recommender

/// The training options of every command that trains a model.
struct TrainingOptions: ParsableArguments {
  private static let defaults = ModelParameters()

  @Option(help: help("The length of every movie's vector", defaults.factors, isTried: true))
  var factors: Int?
  @Option(help: help("Passes over all ratings", defaults.epochs))
  var epochs: Int?
  @Option(
    help: help("Movies rated within this many ratings are neighbours; 0: ever", defaults.window))
  var window: Int?
  @Option(help: help("How many neighbours each movie keeps", defaults.neighbours))
  var neighbours: Int?
  @Option(help: help("What is added to a movie's co-ratings with itself", defaults.regularization))
  var regularization: Double?
  @Option(
    help: help(
      "How many newer ratings halve a rating's weight in the last sitting; 0 for no decay",
      defaults.recencyHalfLife))
  var recencyHalfLife: Double?
  @Option(
    help: help(
      "What a star above the user's mean adds to a rating's weight of 1", defaults.taste,
      isTried: true))
  var taste: Double?
  @Option(
    help: help("How many ratings everyone's taste counts for", defaults.prior, isTried: true))
  var prior: Double?
  @Option(
    help: help(
      "How much it counts that a movie is rated more now than before", defaults.trend,
      isTried: true))
  var trend: Double?
  @Option(
    help: help(
      "Days after which a rating counts half for that", defaults.trendHalfLife, isTried: true))
  var trendHalfLife: Double?
  @Option(
    help: help(
      "How much it counts that people rate a movie above their mean", defaults.quality,
      isTried: true))
  var quality: Double?
  @Option(
    help: help("The last sitting's share right after it, 0 to 1", defaults.sitting, isTried: true))
  var sitting: Double?
  @Option(
    help: help("Hours after which that share is half", defaults.sittingHours, isTried: true))
  var sittingHours: Double?
  @Option(help: help("The same seed gives the same model, to the last bit", Int(defaults.seed)))
  var seed: UInt64?
  @Flag(help: "Train with these settings and the defaults of the others, and try no others.")
  var fixed = false
  @Option(help: "Threads; the model is the same for any number. One per core by default.")
  var threads: Int?

  private static func help(_ text: String, _ value: Int, isTried: Bool = false) -> ArgumentHelp {
    ArgumentHelp("\(text) (default: \(value)\(isTried ? ", and others are tried" : "")).")
  }

  private static func help(_ text: String, _ value: Double, isTried: Bool = false) -> ArgumentHelp {
    let shown = value == value.rounded() ? "\(Int(value))" : "\(value)"
    return ArgumentHelp("\(text) (default: \(shown)\(isTried ? ", and others are tried" : "")).")
  }

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
    parameters.window = window ?? base.window
    parameters.neighbours = neighbours ?? base.neighbours
    parameters.regularization = regularization ?? base.regularization
    parameters.recencyHalfLife = recencyHalfLife ?? base.recencyHalfLife
    parameters.taste = taste ?? base.taste
    parameters.prior = prior ?? base.prior
    parameters.trend = trend ?? base.trend
    parameters.trendHalfLife = trendHalfLife ?? base.trendHalfLife
    parameters.quality = quality ?? base.quality
    parameters.sitting = sitting ?? base.sitting
    parameters.sittingHours = sittingHours ?? base.sittingHours
    parameters.seed = seed ?? base.seed
    return parameters
  }

  /// What the search leaves alone, because it is given.
  var fixedKnobs: Set<SettingsSearch.Knob> {
    let given: [(SettingsSearch.Knob, Bool)] = [
      (.factors, factors != nil), (.prior, prior != nil), (.taste, taste != nil),
      (.sitting, sitting != nil), (.sittingHours, sittingHours != nil), (.trend, trend != nil),
      (.trendHalfLife, trendHalfLife != nil), (.quality, quality != nil),
    ]
    return Set(given.filter(\.1).map(\.0))
  }

  var threadCount: Int { threads ?? ProcessInfo.processInfo.activeProcessorCount }
}

extension EvaluationProtocol: ExpressibleByArgument {}

extension ListMoment: ExpressibleByArgument {}

extension TrainingCutoff: ExpressibleByArgument {
  package init?(argument: String) { self.init(argument) }
}
