import ArgumentParser
import Configuration
import Console
import Foundation
import KafkaLog
import Logging
import Pipeline
import Processes
import Wiring

/// `projectionist demo`
struct DemoCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "demo",
    abstract: "Start everything, load ratings, and watch one user's features and recommendations.",
    discussion: """
      Starts a redis-server of its own unless a key of redis is configured, and a broker unless \
      KAFKA_BOOTSTRAP_SERVERS or the like names one: a single Apache Kafka node when KAFKA_HOME \
      (by default /opt/kafka) holds one, the embedded broker otherwise. Ctrl-C stops all of it.
      """)

  private static let users = 1000
  private static let movies = 2000
  /// What the embedded broker surely holds, at every stage.
  static let mostEmbeddedRatings = 200_000
  /// A day, in seconds.
  private static let longestTimeout = 86_400.0

  @Option(help: "How many ratings to make up.") var ratings = 100_000
  @Option(
    help: ArgumentHelp("Load this MovieLens directory instead.", valueName: "directory"),
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
    let interruption = Interruption()
    let loaded = try common.load()
    let choice = BrokerChoice(
      wantsEmbedded: embedded,
      isConfigured: loaded.origins["kafka.bootstrap.servers"] != nil,
      environment: ProcessInfo.processInfo.environment,
      isExecutable: FileManager.default.isExecutableFile)
    if choice == .embedded, movielens == nil, ratings > Self.mostEmbeddedRatings {
      throw CommandFailure(
        .usage,
        "the embedded broker keeps \(Self.mostEmbeddedRatings) ratings at most: use fewer, or"
          + " Apache Kafka")
    }
    // What goes wrong with a connection is the daemon's to tell, in its log.
    var logger = loaded.settings.log.makeLogger("demo")
    logger.logLevel = .critical
    let services = try DemoServices(
      loaded, choice: choice, interruption: interruption, logger: logger)
    do {
      defer { services.stop() }
      try run(services, interruption)
    } catch let interrupted as Interruption.Requested {
      throw ExitCode(128 + interrupted.signal)
    }
  }

  private func run(_ services: DemoServices, _ interruption: Interruption) throws {
    try services.startServers()
    try services.load(loadArguments(services))
    try services.startDaemon()
    let log = services.log
    let sample = try SampleUser(user, settings: services.settings, log: log)
    defer { sample.close() }
    let progress = try ProgressMonitor(
      try log.makeAdmin(), services.settings.topology)
    if once {
      try runOnce(services, sample, progress)
    } else {
      try DemoView(services, sample, progress, interruption).run()
    }
  }

  private func loadArguments(_ services: DemoServices) -> [String] {
    if let movielens {
      guard services.isEmbedded, Self.exceedsEmbeddedBroker(movielens) else {
        return ["load", movielens]
      }
      let most = Dashboard.grouped(Self.mostEmbeddedRatings)
      services.tell(
        "ratings", "the embedded broker holds \(most) ratings: loading the first \(most)")
      return ["load", movielens, "--limit", "\(Self.mostEmbeddedRatings)"]
    }
    return [
      "generate", "--ratings", "\(ratings)", "--users", "\(Self.users)",
      "--movies", "\(Self.movies)",
    ]
  }

  /// Whether these are more ratings than the embedded broker holds. What can't be read is the
  /// loader's to tell about.
  static func exceedsEmbeddedBroker(_ movielens: String) -> Bool {
    do {
      var ratings = try MovieLensFiles(path: movielens).openRatings()
      for _ in 0...mostEmbeddedRatings {
        guard try ratings.next() != nil else { return false }
      }
      return true
    } catch {
      return false
    }
  }

  private func runOnce(
    _ services: DemoServices, _ sample: SampleUser, _ progress: ProgressMonitor
  ) throws {
    let check = OnceCheck(
      user: sample, progress: progress, services: services,
      deadline: .now + .seconds(timeout))
    let before = try check.waitUntilReady()
    print(OnceCheck.lines("before", before).joined(separator: "\n"))
    let start = ContinuousClock.now
    let after = try check.rate(before)
    let milliseconds = (ContinuousClock.now - start) / .milliseconds(1)
    print(OnceCheck.lines("after", after).joined(separator: "\n"))
    let events = try progress.progress()
    let freshness = try check.freshness(after)
    print(
      """

      \(Dashboard.grouped(events.events)) events, at most \
      \(Dashboard.grouped(events.peakEventsPerSecond)) a second; the last one was in Redis and in \
      recommendations after \(Dashboard.text(milliseconds)) ms
      lag: \(events.lagText)
      \(Dashboard.text(freshness))
      """)
  }
}
