import ArgumentParser
import Demo
import Foundation
import Processes

/// `projectionist demo`
struct DemoCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "demo",
    abstract: "Start everything, load ratings, and watch one user's features and recommendations.",
    discussion: """
      Starts a redis-server of its own unless a key of redis is configured, and a broker unless \
      KAFKA_BOOTSTRAP_SERVERS or the like names one: a single Apache Kafka node when KAFKA_HOME \
      (by default /opt/kafka) holds one, the embedded broker otherwise.

      On a broker or a Redis that is configured, it works on topics, groups and keys of its own, which \
      it makes under a new prefix and Feast project, and touches nothing else. Ctrl-C stops all that \
      it started and deletes all that it made; so does anything else that ends it.
      """)

  /// A day, in seconds.
  private static let longestTimeout = 86_400.0

  @Option(help: "How many ratings to make up.") var ratings = 100_000
  @Option(
    help: ArgumentHelp("Load this MovieLens download instead.", valueName: "path"),
    completion: .directory)
  var movielens: String?
  @Option(help: "The user to watch.") var user: Int64 = 42
  @Flag(help: "Use the embedded broker, whatever else there is.") var embedded = false
  @Flag(help: "Rate one movie, wait until that shows, stop everything, and exit with 0.")
  var once = false
  @Option(help: ArgumentHelp("How long --once may take after loading.", valueName: "seconds"))
  var timeout = 60.0
  @OptionGroup var common: CommonOptions

  func validate() throws {
    if ratings < 0 { throw ValidationError("--ratings must be 0 or more.") }
    guard timeout > 0, timeout <= Self.longestTimeout else {
      throw ValidationError("--timeout must be above 0 and at most 86400, a day.")
    }
  }

  func run() throws {
    let demo = DemoRun(
      common.source,
      data: movielens.map { .movieLens($0) } ?? .madeUp(ratings: ratings), user: user,
      embedded: embedded, once: once ? .seconds(timeout) : nil)
    do {
      try demo.run()
    } catch let request as Interruption.Requested {
      throw ExitCode(request.exitStatus)
    }
  }
}
