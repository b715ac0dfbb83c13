import Configuration
import Console
import EventStream
import KafkaLog
import LMDBStore
import Logging
import Pipeline
import ServiceLifecycle
import Streams
import UnixSignals
import Wiring

/// Waits for the broker, checks and claims the topics, then runs the stages.
struct DaemonService: Service {
  private let configured: Settings
  private let appliesTopics: Bool
  private let lifecycle: Lifecycle<UnixSignalsSequence>
  private let threads: BlockingThreads
  private let logger: Logger
  private let stop = StopSignal()

  init(
    settings: Settings, appliesTopics: Bool, lifecycle: Lifecycle<UnixSignalsSequence>,
    threads: BlockingThreads, logger: Logger
  ) {
    configured = settings
    self.appliesTopics = appliesTopics
    self.lifecycle = lifecycle
    self.threads = threads
    self.logger = logger
  }

  func run() async throws {
    let services = try await withGracefulShutdownHandler {
      try await threads.run { try start() }
    } onGracefulShutdown: {
      stop.stop()
    }
    try await lifecycle.group(services).run()
  }

  /// - Returns: what to run; nothing if the daemon is to stop before the broker answers.
  private func start() throws -> [(name: String, service: any Service)] {
    let watch = BrokerWatch(configured.kafkaSettings, logger: logger, stop: stop)
    guard let cluster = try watch.waitForBroker() else { return [] }
    var settings = configured
    if cluster.isEmbedded {
      settings = configured.adaptedToEmbeddedBroker()
      if settings.processing.guarantee != configured.processing.guarantee {
        logger.notice("the embedded broker has no transactions: processing at_least_once")
      }
    }
    let storage = settings.storage
    let lock = try storage.lock()
    // Served before the stages start, so that a client that waits for the socket misses no event.
    let server = serveEvents(settings)
    let instance = try InstanceName.resolve(settings)
    var kafka = settings.kafkaSettings
    kafka.whenUnreachable = { _ in watch.look() }
    let log = KafkaLog(settings: kafka, logger: settings.log.makeLogger("kafka"))
    let topics = try TopicCatalog.topics(settings)
    let admin = try log.makeAdmin()
    let watchOfOwner = OwnerWatch(settings, logger: logger)
    try watchOfOwner.check(admin)
    let partitions = try prepare(topics, settings.topology, admin)
    try watchOfOwner.claim(
      instance: instance, admin: cluster.isEmbedded ? nil : admin, stop: stop)
    logger.notice(
      "starting",
      metadata: [
        "application": "\(settings.application)", "instance": "\(instance)",
        "guarantee": "\(settings.processing.guarantee.rawValue)",
        "bootstrap_servers": "\(settings.bootstrapServers)",
        "stages": "\(settings.stages.joined(separator: ","))",
      ])
    ClientMemory.limitArenas()
    server?.announceStart(
      application: settings.application, instance: instance,
      guarantee: settings.processing.guarantee.rawValue)
    let daemon = Daemon(
      settings: settings, instance: instance, cluster: cluster.id, log: log, storage: storage,
      lock: lock, partitions: partitions, events: server?.sink ?? .none, threads: threads,
      stop: stop, logger: logger)
    // The event server stops last, when the stages have emitted their last events.
    return (server.map { [("events", EventService(server: $0))] } ?? []) + [
      ("owner", watchOfOwner)
    ] + daemon.services
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

  /// Compares the broker's topics with their declarations.
  ///
  /// - Returns: how many partitions the user-keyed topics have.
  private func prepare(
    _ topics: [DeclaredTopic], _ topology: Topology, _ admin: KafkaAdmin
  ) throws -> Int32 {
    var report = try TopicReport(topics, admin: admin)
    if appliesTopics, !report.missing.isEmpty {
      try report.createMissing(admin)
      report = try TopicReport(topics, admin: admin)
    }
    if let failure = report.failure { throw failure }
    return try admin.topics()[topology[.validatedRatings]] ?? 0
  }
}

private struct EventService: Service {
  let server: EventServer

  func run() async throws {
    // Throws only when the task is cancelled, which ends the service as well.
    try? await gracefulShutdown()
    server.stop()
  }
}
