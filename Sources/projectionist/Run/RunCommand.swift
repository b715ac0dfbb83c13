import ArgumentParser
import EventLog
import EventStream
import Foundation
import KafkaLog
import LMDBStore
import Logging
import Pipeline
import StateStore
import Streams

/// `projectionist run`: the daemon.
struct RunCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "run",
    abstract: "Run the pipeline: all stages, or those named, until SIGTERM.",
    discussion: """
      Waits for the broker if it can't be reached yet. Says `ready` in its log once every stage \
      has its partitions and their state. Tells what the stages do on a socket, events.sock in \
      the application's state directory, as lines of JSON. The first SIGTERM or SIGINT finishes \
      the open batches and exits with 0; a second one ends the process at once, which harms no \
      state.
      """)

  @OptionGroup var common: CommonOptions

  @Option(help: ArgumentHelp("The same as --set stages=…", valueName: "intake,user,…"))
  var stages: String?

  @Flag(help: "Create the topics that are missing before the start.")
  var applyTopics = false

  func run() throws {
    let (configured, logger) = try settingsInForce()
    let shutdown = Shutdown(deadline: configured.shutdown.deadline, logger: logger)
    let termination = Termination {
      logger.notice("stopping: finishing the open batches")
      shutdown.begin()
    }
    defer { withExtendedLifetime(termination) {} }
    let watch = BrokerWatch(configured.kafkaSettings, logger: logger, stop: shutdown.stop)
    guard let cluster = try watch.waitForBroker() else { return logger.notice("stopped") }
    var settings = configured
    if cluster.isEmbedded { Self.adapt(&settings, logger) }
    let storage = settings.storage
    let lock = try storage.lock()
    defer { withExtendedLifetime(lock) {} }
    let instance = try InstanceName.resolve(settings)
    var kafka = settings.kafkaSettings
    kafka.whenUnreachable = { _ in watch.look() }
    let log = KafkaLog(settings: kafka, logger: settings.log.makeLogger("kafka"))
    let topics = try TopicCatalog().topics(settings)
    let partitions = try prepare(topics, log: log, logger: logger)
    logger.notice(
      "starting",
      metadata: [
        "application": "\(settings.application)", "instance": "\(instance)",
        "guarantee": "\(settings.processing.guarantee.rawValue)",
        "bootstrap_servers": "\(settings.bootstrapServers)",
        "stages": "\(settings.stages.map(\.rawValue).joined(separator: ","))",
      ])
    let server = Self.serveEvents(settings, logger)
    defer { server?.stop() }
    let daemon = Daemon(
      settings: settings, instance: instance, log: log, storage: storage, partitions: partitions,
      shutdown: shutdown, events: server?.sink ?? .none, logger: logger)
    daemon.run()
    if let failure = shutdown.failure { throw ExitCode(failure.rawValue) }
    logger.notice("stopped")
  }

  private func settingsInForce() throws -> (Settings, Logger) {
    var common = common
    if let stages { common.assignments.append("stages=\(stages)") }
    return try common.start("projectionist")
  }

  /// A daemon that can't make its socket works without it.
  private static func serveEvents(_ settings: Settings, _ logger: Logger) -> EventServer? {
    let board = StatusBoard(
      settings.stages.map { StatusBoard.Entry(StageStatus(stage: $0.rawValue)) })
    do throws(EventStreamError) {
      return try EventServer(path: "\(settings.stateRoot)/events.sock", board: board)
    } catch {
      logger.warning("events are not served", metadata: ["reason": "\(error)"])
      return nil
    }
  }

  /// The embedded broker keeps no offsets of transactions and wakes no waiting fetch, so a daemon on it
  /// works without the ones and with short waits of the other.
  private static func adapt(_ settings: inout Settings, _ logger: Logger) {
    if settings.processing.guarantee == .exactlyOnce {
      settings.processing.guarantee = .atLeastOnce
      logger.notice("the embedded broker has no transactions: processing at_least_once")
    }
    if settings.kafka["fetch.wait.max.ms"] == nil { settings.kafka["fetch.wait.max.ms"] = "10" }
  }

  /// Holds the broker's topics against their declarations.
  ///
  /// - Returns: how many partitions the user-keyed topics have.
  private func prepare(_ topics: [DeclaredTopic], log: KafkaLog, logger: Logger) throws -> Int32 {
    let admin = try log.makeAdmin()
    var report = try TopicReport(topics, admin: admin)
    if applyTopics, !report.missing.isEmpty {
      try report.createMissing(admin)
      report = try TopicReport(topics, admin: admin)
    }
    if let failure = report.failure { throw failure }
    return try admin.topics()[Topics.validatedRatings] ?? 0
  }
}
