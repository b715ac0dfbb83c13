package import Configuration
package import Console
import EventStream
import Foundation
import KafkaLog
import LMDBStore
package import Logging
import Pipeline
import Streams
import Wiring

/// The daemon from its start to its end: waits for the broker, checks the topics, runs the stages.
package struct DaemonRun {
  private let configured: Settings
  private let logger: Logger
  /// Whether topics that are missing are created first.
  private let appliesTopics: Bool

  package init(_ settings: Settings, logger: Logger, appliesTopics: Bool) {
    configured = settings
    self.logger = logger
    self.appliesTopics = appliesTopics
  }

  /// Runs until a signal or a stage that can't go on.
  ///
  /// - Returns: what a stage that failed stands for; `nil` after an orderly end.
  package func run() throws -> ExitStatus? {
    let shutdown = Shutdown(deadline: configured.shutdown.deadline, logger: logger)
    let termination = Termination {
      logger.notice("stopping: finishing the open batches")
      shutdown.begin()
    }
    defer { withExtendedLifetime(termination) {} }
    let watch = BrokerWatch(configured.kafkaSettings, logger: logger, stop: shutdown.stop)
    guard let cluster = try watch.waitForBroker() else {
      logger.notice("stopped")
      return nil
    }
    var settings = configured
    if cluster.isEmbedded { adapt(&settings) }
    let storage = settings.storage
    let lock = try storage.lock()
    defer { withExtendedLifetime(lock) {} }
    // Served before the stages start, so that who waits for the socket misses none of their events.
    let server = serveEvents(settings)
    defer { server?.stop() }
    let instance = try InstanceName.resolve(settings)
    var kafka = settings.kafkaSettings
    kafka.whenUnreachable = { _ in watch.look() }
    let log = KafkaLog(settings: kafka, logger: settings.log.makeLogger("kafka"))
    let topics = try TopicCatalog.topics(settings)
    let partitions = try prepare(topics, settings.topology, log: log)
    logger.notice(
      "starting",
      metadata: [
        "application": "\(settings.application)", "instance": "\(instance)",
        "guarantee": "\(settings.processing.guarantee.rawValue)",
        "bootstrap_servers": "\(settings.bootstrapServers)",
        "stages": "\(settings.stages.joined(separator: ","))",
      ])
    server?.announceStart(
      application: settings.application, instance: instance,
      guarantee: settings.processing.guarantee.rawValue)
    let daemon = Daemon(
      settings: settings, instance: instance, log: log, storage: storage, partitions: partitions,
      shutdown: shutdown, events: server?.sink ?? .none, logger: logger)
    daemon.run()
    if let failure = shutdown.failure { return failure }
    logger.notice("stopped")
    return nil
  }

  /// A daemon that can't serve its events runs without them.
  private func serveEvents(_ settings: Settings) -> EventServer? {
    let board = StatusBoard(
      settings.stages.map { StatusBoard.Entry(StageStatus(stage: $0)) })
    do throws(EventStreamError) {
      return try EventServer(path: settings.eventSocket, board: board)
    } catch {
      logger.warning("events are not served", metadata: ["reason": "\(error)"])
      return nil
    }
  }

  /// The embedded broker keeps no offsets of transactions and wakes no waiting fetch, so a daemon on it
  /// works without the ones and with short waits of the other.
  private func adapt(_ settings: inout Settings) {
    if settings.processing.guarantee == .exactlyOnce {
      settings.processing.guarantee = .atLeastOnce
      logger.notice("the embedded broker has no transactions: processing at_least_once")
    }
    if settings.kafka["fetch.wait.max.ms"] == nil { settings.kafka["fetch.wait.max.ms"] = "10" }
  }

  /// Holds the broker's topics against their declarations.
  ///
  /// - Returns: how many partitions the user-keyed topics have.
  private func prepare(
    _ topics: [DeclaredTopic], _ topology: Topology, log: KafkaLog
  ) throws -> Int32 {
    let admin = try log.makeAdmin()
    var report = try TopicReport(topics, admin: admin)
    if appliesTopics, !report.missing.isEmpty {
      try report.createMissing(admin)
      report = try TopicReport(topics, admin: admin)
    }
    if let failure = report.failure { throw failure }
    return try admin.topics()[topology[.validatedRatings]] ?? 0
  }
}
