import Configuration
import Console
import Dispatch
import EventLog
import EventStream
import Foundation
import KafkaLog
import LMDBStore
import Logging
import Pipeline
import ServiceLifecycle
import Streams
import Synchronization
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
    let start = Start()
    let services = try await withGracefulShutdownHandler {
      defer { start.isOver.store(true, ordering: .releasing) }
      return try await threads.run { try startUnlessStopped() }
    } onGracefulShutdown: {
      stop.stop()
      // Nothing is under way yet that could be lost, whatever the start is waiting for.
      DispatchQueue.global().asyncAfter(deadline: .now() + Self.patience) {
        guard !start.isOver.load(ordering: .acquiring) else { return }
        logger.notice("stopped before the start")
        _exit(ExitStatus.success.rawValue)
      }
    }
    try await lifecycle.group(services).run()
  }

  /// How long a stop waits for a start.
  private static let patience = 1.0

  /// - Returns: what to run; nothing if the daemon is to stop before that.
  private func startUnlessStopped() throws -> [(name: String, service: any Service)] {
    do { return try start() } catch {
      guard stop.isStopped else { throw error }
      logger.debug("start-up was interrupted", metadata: ["reason": "\(error)"])
      return []
    }
  }

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
    if let directory = VolatileDirectory(settings.stateRoot) {
      logger.warning("\(directory.warning)")
    }
    let storage = settings.storage
    let lock = try storage.lock()
    // Served before the stages start, so that a client that waits for the socket misses no event.
    let server = serveEvents(settings)
    let instance = try InstanceName.resolve(settings)
    var kafka = settings.kafkaSettings
    kafka.whenUnreachable = { _ in watch.look() }
    let transactions = TransactionWatch(settings, logger: logger, stop: stop)
    kafka.whenSlow = { transactions.look() }
    kafka.isStopping = { [stop] in stop.isStopped }
    let log = KafkaLog(settings: kafka, logger: settings.log.makeLogger("kafka"))
    let admin = try log.makeAdmin()
    let watchOfOwner = OwnerWatch(settings, logger: logger, stop: stop) { transactions.look() }
    try watchOfOwner.check(admin)
    var topics = try prepare(settings, admin)
    do {
      let counts = try watchOfOwner.claim(
        instance: instance, counts: topics.counts, admin: cluster.isEmbedded ? nil : admin)
      // Another daemon, with other settings, was first.
      if counts != topics.counts { topics = try prepare(settings, admin) }
    } catch StageError.stopped {
      return []
    }
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
    let claims =
      cluster.isEmbedded ? nil : NameClaims(settings, instance: instance, logger: logger)
    let metrics = DaemonMetrics(storage: storage, time: { Daemon.milliseconds })
    let daemon = Daemon(
      settings: settings, instance: instance, cluster: cluster.id, log: log, storage: storage,
      lock: lock, topics: topics, events: .all([server?.sink ?? .none, metrics.sink]),
      threads: threads, stop: stop,
      claims: claims, isEmbedded: cluster.isEmbedded, logger: logger)
    // The event server stops last, when the stages have emitted their last events.
    return (server.map { [("events", EventService(server: $0))] } ?? []) + [
      ("owner", watchOfOwner)
    ] + tracking(settings, instance, log) + daemon.services
  }

  private func tracking(_ settings: Settings, _ instance: String, _ log: KafkaLog)
    -> [(name: String, service: any Service)]
  {
    guard settings.usesMLflow else { return [] }
    return [("mlflow", ModelTracking(settings, instance: instance, log: log, stop: stop))]
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
  private func prepare(_ settings: Settings, _ admin: KafkaAdmin) throws -> TopicReport {
    var report = try TopicReport(settings, admin, logger)
    if appliesTopics {
      let outcomes = try report.createMissing(admin)
      for note in outcomes where !note.notes.isEmpty { logger.warning("\(note.text)") }
      if !outcomes.isEmpty { report = try TopicReport(settings, admin, logger) }
    }
    if let failure = report.failure { throw failure }
    for laxity in report.laxities { logger.warning("\(laxity)") }
    for tolerance in report.tolerances { logger.notice("\(tolerance)") }
    for warning in report.warnings {
      logger.warning("\(warning)", metadata: ["code": "\(Reason.Code.partitionsGrown.rawValue)"])
    }
    return report
  }
}

/// Whether what comes before the stages is over.
private final class Start: Sendable {
  let isOver = Atomic(false)
}

private struct EventService: Service {
  let server: EventServer

  func run() async throws {
    // Throws only when the task is cancelled, which ends the service as well.
    try? await gracefulShutdown()
    server.stop()
  }
}
