import ArgumentParser
import EventLog
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
      has its partitions and their state. The first SIGTERM or SIGINT finishes the open batches and \
      exits with 0; a second one ends the process at once, which harms no state.
      """)

  @OptionGroup var common: CommonOptions

  @Option(help: ArgumentHelp("The same as --set stages=…", valueName: "intake,user,…"))
  var stages: String?

  @Flag(help: "Create the topics that are missing before the start.")
  var applyTopics = false

  func run() throws {
    var (settings, logger) = try settingsInForce()
    try Self.adapt(&settings, logger)
    let storage = settings.storage
    let lock = try Self.lock(storage)
    let instance = try InstanceName.resolve(settings)
    let log = KafkaLog(settings: settings.kafkaSettings, logger: settings.log.makeLogger("kafka"))
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
    let daemon = Daemon(
      settings: settings, instance: instance, log: log, storage: storage, partitions: partitions,
      logger: logger)
    try daemon.run()
    withExtendedLifetime(lock) {}
  }

  private func settingsInForce() throws -> (Settings, Logger) {
    var common = common
    if let stages { common.assignments.append("stages=\(stages)") }
    let (settings, logger) = try common.start("projectionist")
    if settings.stages.contains(.predict), !settings.stages.contains(.user) {
      throw CommandFailure(
        .configuration,
        "stages: predict reads the state of the user stage and must run beside it: add user")
    }
    return (settings, logger)
  }

  /// Waits for the broker. The embedded one keeps no offsets of transactions and wakes no waiting
  /// fetch, so a daemon on it works without the ones and with short waits of the other.
  private static func adapt(_ settings: inout Settings, _ logger: Logger) throws {
    let admin = try settings.makeAdmin(logger)
    try waitForBroker(admin, logger)
    guard try admin.cluster().isEmbedded else { return }
    if settings.processing.guarantee == .exactlyOnce {
      settings.processing.guarantee = .atLeastOnce
      logger.notice("the embedded broker has no transactions: processing at_least_once")
    }
    if settings.kafka["fetch.wait.max.ms"] == nil { settings.kafka["fetch.wait.max.ms"] = "10" }
  }

  private static func lock(_ storage: LMDBStorage) throws -> RootLock {
    do throws(StoreError) { return try storage.lock() } catch {
      throw CommandFailure(.alreadyRunning, error.message)
    }
  }

  /// Waits for the broker and holds its topics against their declarations.
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

  /// Asks until the broker answers, saying once that it does not.
  private static func waitForBroker(_ admin: KafkaAdmin, _ logger: Logger) throws {
    var isWaiting = false
    while true {
      do throws(LogError) {
        _ = try admin.cluster()
        if isWaiting { logger.notice("the broker answers") }
        return
      } catch {
        guard error.code == .unavailable else { throw error }
        if !isWaiting {
          isWaiting = true
          logger.warning("waiting for the broker", metadata: ["reason": "\(error)"])
        }
      }
    }
  }
}
