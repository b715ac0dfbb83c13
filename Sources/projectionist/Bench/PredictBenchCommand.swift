import ArgumentParser
import Benchmarks
import Recommender

/// `projectionist bench predict`
struct PredictBenchCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "predict",
    abstract: "Requests answered per second, and how long each takes.",
    discussion: """
      First, in this process and on one thread: how many users a second are answered in batches, \
      requests decoded, state read, users folded in, movies scored, ranked and replies encoded, \
      and how many a bare matrix product of the same shapes scores. Once with movies' vectors as \
      long as a trained model's, where most movies are too short to be scored, and once with all \
      equally long, where none is.

      Then over the topics: each client sends a request for a random known user, waits for its reply \
      on recommendations, and sends the next. All clients share one producer and one consumer.

      Last, requests at an even rate that wait for nothing, while ratings come in.

      The model is made up; --factors 0 measures without one. --in-process-only leaves out all but \
      the first part, and needs no broker.
      """)

  @Option(help: ArgumentHelp("How many clients; a list measures each.", valueName: "1,4,16"))
  var clients = ClientCounts([1])

  @Option(help: "How long to measure each.")
  var seconds = 20.0

  @Option(help: "How long to ask before that, without measuring.")
  var warmUpSeconds = 2.0

  @Option(help: "Movies asked for in a request, 1 to 100.")
  var recommendations = 10

  @Option(help: "Events loaded before.")
  var events = 200_000

  @Option(help: "The length of the model's vectors; 0 for no model.")
  var factors = ModelParameters().factors

  @Option(help: "Requests in a batch when answered in this process.")
  var batch = 64

  @Option(help: "Requests per second at an even rate; 0 for none.")
  var requestRate = 500.0

  @Option(help: "Ratings per second that come in meanwhile.")
  var ratingRate = 5_000.0

  @Flag(help: "Measure in this process only: no broker is needed.")
  var inProcessOnly = false

  @OptionGroup var arguments: BenchArguments

  func validate() throws {
    try BenchArguments.seconds.check(seconds, "--seconds")
    try NumberBounds.seconds.check(warmUpSeconds, "--warm-up-seconds")
    try NumberBounds.events.check(events, "--events")
    try (0...ModelParameters.allowedFactors.upperBound).check(factors, "--factors")
    guard factors > 0 || !inProcessOnly else {
      throw ValidationError("--in-process-only needs a model: --factors above 0.")
    }
    try RecommendationRequest.allowedCounts.check(recommendations, "--recommendations")
    try (1...10_000).check(batch, "--batch")
    try (0...100_000).check(requestRate, "--request-rate")
    try (0...1_000_000).check(ratingRate, "--rating-rate")
  }

  func run() throws {
    try arguments.report {
      try PredictBench(
        arguments.options, clients: clients.values, seconds: seconds,
        warmUpSeconds: warmUpSeconds, recommendations: recommendations, events: events,
        factors: factors, batch: batch, requestRate: requestRate, ratingRate: ratingRate,
        inProcessOnly: inProcessOnly
      ).run()
    }
  }
}

/// `1,4,16` on the command line.
struct ClientCounts: ExpressibleByArgument, Equatable {
  var values: [Int]

  init(_ values: [Int]) {
    self.values = values
  }

  init?(argument: String) {
    values = argument.split(separator: ",").compactMap { Int($0) }
    let parts = argument.split(separator: ",", omittingEmptySubsequences: false)
    guard !values.isEmpty, values.count == parts.count, Set(values).count == values.count,
      values.allSatisfy({ (1...10_000).contains($0) })
    else { return nil }
  }

  var defaultValueDescription: String { values.map(String.init).joined(separator: ",") }
}
