package import Configuration
import Console
import DataFiles
import Foundation
import KafkaLog
import Logging
import Processes
import SampleData
import Wiring

/// Starts everything, loads ratings, and shows one user's features and recommendations.
package struct DemoRun {
  /// What is loaded.
  package enum Sample: Sendable {
    case madeUp(ratings: Int)
    /// A download, in this directory.
    case movieLens(String)
  }

  private static let users = 1000
  private static let movies = 2000
  /// What the embedded broker surely holds, at every stage.
  static let mostEmbeddedRatings = 200_000

  private let source: ConfigurationSource
  private let data: Sample
  /// Whom to watch.
  private let user: Int64
  private let wantsEmbedded: Bool
  /// How long it may take until one rating shows after loading; `nil` to watch until a signal.
  private let once: Duration?

  package init(
    _ source: ConfigurationSource, data: Sample, user: Int64, embedded: Bool, once: Duration?
  ) {
    self.source = source
    self.data = data
    self.user = user
    wantsEmbedded = embedded
    self.once = once
  }

  /// Returns when the user asks for the end, or `once` is done.
  package func run() throws {
    let interruption = Interruption(watchesOutput: true)
    let loaded = try source.load()
    let choice = BrokerChoice(
      wantsEmbedded: wantsEmbedded,
      isConfigured: loaded.origins["kafka.bootstrap.servers"] != nil,
      environment: ProcessInfo.processInfo.environment,
      isExecutable: FileManager.default.isExecutableFile)
    if choice == .embedded, case .madeUp(let ratings) = data, ratings > Self.mostEmbeddedRatings {
      throw CommandFailure(
        .usage,
        "the embedded broker keeps \(Self.mostEmbeddedRatings) ratings at most: use fewer, or"
          + " Apache Kafka")
    }
    if case .movieLens(let path) = data {
      do { _ = try DataSet(path: path) } catch { throw CommandFailure(.failure, "\(error)") }
    }
    // What goes wrong with a connection is the daemon's to tell, in its log.
    var logger = loaded.settings.log.makeLogger("demo")
    logger.logLevel = .critical
    let services = try DemoServices(
      loaded, choice: choice, interruption: interruption, logger: logger)
    defer { services.stop() }
    try run(services, interruption)
  }

  private func run(_ services: DemoServices, _ interruption: Interruption) throws {
    try services.startServers()
    try services.load(loadArguments(services))
    try services.startDaemon()
    let log = services.log
    let sample = try SampleUser(user, settings: services.settings, log: log)
    defer { sample.close() }
    let progress = try ProgressMonitor(try log.makeAdmin(), services.settings.topology)
    if let once {
      try runOnce(services, sample, progress, deadline: .now + once)
    } else {
      try DemoView(services, sample, progress, interruption).run()
    }
  }

  private func loadArguments(_ services: DemoServices) -> [String] {
    switch data {
    case .movieLens(let movielens):
      guard services.isEmbedded, Self.exceedsEmbeddedBroker(movielens) else {
        return ["load", movielens]
      }
      let most = Dashboard.grouped(Self.mostEmbeddedRatings)
      services.tell(
        "ratings", "the embedded broker holds \(most) ratings: loading the first \(most)")
      return ["load", movielens, "--limit", "\(Self.mostEmbeddedRatings)"]
    case .madeUp(let ratings):
      return [
        "generate", "--ratings", "\(ratings)", "--users", "\(Self.users)",
        "--movies", "\(Self.movies)",
      ]
    }
  }

  /// Whether these are more ratings than the embedded broker holds. What can't be read is the
  /// loader's to tell about.
  static func exceedsEmbeddedBroker(_ movielens: String) -> Bool {
    do {
      let file = try DataSet(path: movielens).ratings
      var ratings = try RatingReader(file, scale: nil, now: SampleGeneration.now())
      for _ in 0...mostEmbeddedRatings {
        guard try ratings.next() != nil else { return false }
      }
      return true
    } catch {
      return false
    }
  }

  private func say(_ text: String) { StandardStream.output.write("\(text)\n") }

  private func runOnce(
    _ services: DemoServices, _ sample: SampleUser, _ progress: ProgressMonitor,
    deadline: ContinuousClock.Instant
  ) throws {
    let check = OnceCheck(
      user: sample, progress: progress, services: services,
      deadline: deadline)
    let before = try check.waitUntilReady()
    say(OnceCheck.lines("before", before).joined(separator: "\n"))
    let start = ContinuousClock.now
    let after = try check.rate(before)
    let milliseconds = (ContinuousClock.now - start) / .milliseconds(1)
    say(OnceCheck.lines("after", after).joined(separator: "\n"))
    let events = try progress.progress()
    let freshness = try check.freshness(after)
    say(
      """

      \(Dashboard.grouped(events.events)) events, at most \
      \(Dashboard.grouped(events.peakEventsPerSecond)) a second; the last one was in Redis and in \
      recommendations after \(Dashboard.text(milliseconds)) ms
      lag: \(events.lagText)
      \(Dashboard.text(freshness))
      """)
  }
}
