import Configuration
import Console
import EventLog
import Foundation
import KafkaLog
import Operations
import Processes
import RedisProjection
import Wiring

/// The demo's live view: asks the pipeline every second and shows the answers, until a signal.
final class DemoView {
  private static let terminalInterval = Duration.seconds(1)
  private static let lineInterval = Duration.seconds(2)
  /// The most movies a request may ask for.
  private static let probeMovies = 100

  private let services: DemoServices
  private let sample: SampleUser
  private let progress: ProgressMonitor
  private let interruption: Interruption
  private let commands: PasteLines
  private var dashboard: Dashboard
  private var screen = Screen()
  private var probe: FreshnessProbe?

  init(
    _ services: DemoServices, _ sample: SampleUser, _ progress: ProgressMonitor,
    _ interruption: Interruption
  ) {
    self.services = services
    self.sample = sample
    self.progress = progress
    self.interruption = interruption
    let settings = services.settings
    commands = PasteLines(
      topology: settings.topology,
      bootstrapServers: settings.bootstrapServers, kafkaProperties: services.kafkaProperties,
      kcatConfiguration: services.kcatConfiguration, javaTools: services.javaTools,
      redis: settings.redis, projection: settings.feastProjection, program: Self.program,
      configuration: services.configurationFile)
    dashboard = Dashboard(
      broker: services.broker, redis: services.redis, daemonLog: services.daemonLog,
      commandFile: services.commandFile, user: sample.user)
  }

  /// This program as a shell in any directory calls it.
  private static var program: String {
    let name = CommandLine.arguments.first ?? "projectionist"
    return name.contains("/") ? URL(fileURLWithPath: name).path : name
  }

  /// Returns when the user asks for the end.
  func run() throws {
    let isTerminal = Screen.isTerminal
    defer {
      screen.leave()
      StandardStream.output.write("\(services.farewell)\n")
      probe?.close()
    }
    if !isTerminal {
      StandardStream.output.write(
        "\(PasteLines.text(commands.lines(user: sample.user, movie: nil)))\n")
    }
    var next = ContinuousClock.now
    while !interruption.isRequested {
      try services.check()
      try update()
      if isTerminal {
        let size = Screen.currentSize
        screen.show(dashboard.lines(columns: size.columns, rows: size.rows), size: size)
      } else {
        StandardStream.output.write("\(dashboard.summary)\n")
      }
      next = max(next + (isTerminal ? Self.terminalInterval : Self.lineInterval), .now)
      interruption.pause(next - .now)
    }
  }

  /// A broker or a Redis that does not answer leaves the last values standing: its return shows.
  private func update() throws {
    dashboard.restores = services.daemonStatus?.restores ?? []
    do throws(LogError) { dashboard.progress = try progress.progress() } catch {
      guard error.code == .unavailable else { throw error }
    }
    do throws(RedisError) { dashboard.features = try sample.features() } catch {
      guard error.condition.remedy == .server else { throw error }
    }
    do {
      if let reply = try sample.recommendations() { dashboard.reply = reply }
    } catch let error as LogError {
      guard error.code == .unavailable else { throw error }
    }
    startProbe()
    dashboard.freshness = probe?.freshness
    show(commands.lines(user: sample.user, movie: dashboard.movies.first?.movieID))
  }

  private func show(_ commands: [PasteLine]) {
    guard commands != dashboard.commands else { return }
    dashboard.commands = commands
    // A full disk is no reason to end.
    try? Data((PasteLines.text(commands) + "\n").utf8)
      .write(to: URL(fileURLWithPath: services.commandFile), options: .atomic)
  }

  /// Once what was loaded is through: before that there is no freshness to speak of.
  private func startProbe() {
    // Without an answer there is nothing to probe yet; the next look asks again.
    guard probe == nil, dashboard.progress.isCaughtUp,
      let movies = (try? sample.recommendations(count: Self.probeMovies))?.recommendations,
      !movies.isEmpty
    else { return }
    probe = FreshnessProbe(services.log, services.settings.topology, movies: movies)
  }
}
