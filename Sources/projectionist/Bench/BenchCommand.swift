public import ArgumentParser
import Benchmarks
import Console
import Processes
import Streams

/// `projectionist bench`
struct BenchCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "bench",
    abstract: "Measure throughput, freshness and answers on the configured broker.",
    discussion: """
      The daemon that is measured is this program in a process of its own, with an application name \
      and a state directory of its own. It uses the product's topics, which must be empty, and \
      leaves them empty; Redis is one of its own unless --redis is given.
      """,
    subcommands: [
      IngestBenchCommand.self, LatencyBenchCommand.self, PredictBenchCommand.self,
      RestoreBenchCommand.self, RestartBenchCommand.self,
      TrainBenchCommand.self,
    ])
}

/// Options shared by all benches.
struct BenchArguments: ParsableArguments {
  /// How long may be measured: an instant gives no figures.
  static let seconds = 0.1...NumberBounds.seconds.upperBound

  @OptionGroup var common: CommonOptions

  @Option(help: "exactly_once or at_least_once; as configured by default.")
  var guarantee: ProcessingGuarantee?

  @Option(help: "Partitions of the topics.")
  var partitions = 4

  @Option(help: "Users are 1 to this.")
  var users = 137_734

  @Option(help: "Movies are 1 to this.")
  var movies = 26_228

  @Option(help: "The same seed makes the same events.")
  var seed: UInt64 = 1

  @Flag(help: "Load no catalog of movies: events then have no genres.")
  var ratingsOnly = false

  @Flag(
    help: "Use the configured Redis, which keeps the features under a Feast project of its own.")
  var redis = false

  @Flag(
    help: """
      Delete the product's topics with all that is in them and create them again. A broker removes a \
      deleted topic's files a minute later (log.segment.delete.delay.ms), which on a disk with \
      discard can hold everything up for seconds during a measured run.
      """)
  var recreateTopics = false

  @Flag(help: "Don't ask before deleting.")
  var yes = false

  @Flag(help: "Print JSON instead of a table.")
  var json = false

  func validate() throws {
    try NumberBounds.ids.check(users, "--users")
    try NumberBounds.ids.check(movies, "--movies")
    try (1...10_000).check(partitions, "--partitions")
  }

  var options: BenchOptions {
    var options = BenchOptions(common.source)
    options.guarantee = guarantee
    options.partitions = partitions
    options.users = users
    options.movies = movies
    options.seed = seed
    options.ratingsOnly = ratingsOnly
    options.redis = redis
    options.recreateTopics = recreateTopics
    options.yes = yes
    return options
  }

  /// Prints what a bench reports.
  func report(_ bench: () throws -> BenchReport) throws {
    // So that a failure names what is configured.
    _ = try common.load()
    do {
      let report = try bench()
      if json { print(try JSONText.of(report)) } else { print(report.text, terminator: "") }
    } catch let request as Interruption.Requested {
      throw ExitCode(request.exitStatus)
    }
  }
}

extension ProcessingGuarantee: ExpressibleByArgument {}
