import ArgumentParser
import Benchmarks
import Console
import Recommender

/// `projectionist bench train`
struct TrainBenchCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "train",
    abstract: "Seconds for an epoch of training, and memory, on ratings made up.",
    discussion: """
      Makes the ratings of `projectionist generate` in memory; no Kafka is needed. \
      Tests/EndToEnd/bench_train_implicit.py runs the same with PyPI's implicit.
      """)

  @Option(help: "How many ratings.")
  var ratings = 20_000_000
  @Option(help: "Users are 1 to this.")
  var users = 137_734
  @Option(help: "Movies are 1 to this.")
  var movies = 26_228
  @OptionGroup(title: "Training") var training: TrainingOptions
  @Option(
    help: ArgumentHelp(
      "Also write the ratings as 32-bit pairs of a user's and a movie's index, for other tools.",
      valueName: "file"), completion: .file())
  var pairs: String?
  @Flag(help: "Print JSON instead of a table.")
  var json = false

  func validate() throws {
    try NumberBounds.ids.check(users, "--users")
    try NumberBounds.ids.check(movies, "--movies")
    try NumberBounds.ids.check(ratings, "--ratings")
  }

  func run() throws {
    var parameters = training.parameters(over: ModelParameters())
    parameters.epochs = training.epochs ?? 2
    let report = try TrainBench(
      ratings: ratings, users: users, movies: movies, parameters: parameters,
      seed: training.seed ?? 1, threads: training.threadCount, pairs: pairs
    ).run()
    print(json ? try JSONText.of(report) : report.text, terminator: json ? "\n" : "")
  }
}
