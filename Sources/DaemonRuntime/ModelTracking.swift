import Configuration
import EventLog
import Foundation
import KafkaLog
import Logging
import MLflow
import Pipeline
import Recommender
import ServiceLifecycle
import Streams
import Wiring

/// Shows the log's models in MLflow, on a thread that nobody waits for.
///
/// One instance of the application does it at a time. All it knows is on the log and in MLflow, so
/// another takes over where it ends.
final class ModelTracking: Service {
  private static let name = "mlflow"

  private let settings: Settings
  private let identity: StageIdentity
  private let log: KafkaLog
  private let stop: StopSignal
  private let threads = BlockingThreads()
  private let logger: Logger

  /// - Parameter stop: ends the work, and a call that is under way.
  init(_ settings: Settings, instance: String, log: KafkaLog, stop: StopSignal) {
    self.settings = settings
    identity = settings.topology.identity(ofService: Self.name, instance: instance)
    self.log = log
    self.stop = stop
    logger = settings.log.makeLogger(Self.name)
  }

  func run() async throws {
    // The work ends with the stop signal, or is left behind. Only the cancellation is thrown.
    try? await cancelWhenGracefulShutdown { [self] in
      try await threads.run(Self.name, niceness: 5) { [self] in work() }
    }
    try? await gracefulShutdown()
  }

  private func work() {
    var pauses = RetryPauses.growing(from: .seconds(1))
    var said: LogError?
    while !stop.isStopped {
      do throws(LogError) { try follow() } catch {
        if said != error {
          logger.warning("models can't be followed for MLflow", metadata: ["reason": "\(error)"])
        }
        said = error
        wait(pauses.next())
      }
    }
  }

  /// Follows the topic for as long as this instance has the lead.
  private func follow() throws(LogError) {
    let topic = settings.topology[.models]
    let lead = try GroupLead(log, identity, topic: topic)
    while !stop.isStopped {
      guard try lead.renew(timeout: .milliseconds(500)) else { continue }
      let table = try GlobalTable(log, topic: topic, clientID: identity.group)
      var ledger = ModelLedger()
      try table.catchUp { ledger.take($0) }
      logger.debug("models are followed for MLflow", metadata: ["server": "\(uri)"])
      var looks = Looks(settings, logger: logger) { [stop] in
        stop.isStopped || ((try? lead.renew()) ?? false) == false
      }
      var isNew = true
      while !stop.isStopped, try lead.renew(timeout: .milliseconds(500)) {
        try table.poll { record in
          ledger.take(record)
          isNew = true
        }
        looks.look(at: ledger, isNew: isNew, source)
        isNew = false
      }
    }
  }

  private var uri: String { settings.mlflow.trackingURI }

  private func wait(_ pause: Duration) {
    let end = ContinuousClock.now + pause
    while !stop.isStopped, ContinuousClock.now < end { Thread.sleep(forTimeInterval: 0.1) }
  }

  /// Reads the log when a model is sent: what is sent once need not be kept in memory.
  private var source: MLflowSync.Source {
    MLflowSync.Source(
      model: { [self] version in
        do throws(LogError) { return try model(version) } catch {
          logger.info(
            "the model can't be read for MLflow yet",
            metadata: ["model": "\(version)", "reason": "\(error)"])
          return nil
        }
      },
      titles: { [self] movies in
        // A list without titles is a list.
        guard
          let table = try? MovieTable(log, topology: settings.topology, clientID: identity.group)
        else { return [:] }
        return Dictionary(
          movies.compactMap { movie in table[movie].map { (movie, $0.title) } },
          uniquingKeysWith: { title, _ in title })
      })
  }

  private func model(_ version: String) throws(LogError) -> FactorModel? {
    let table = try SnapshotTable(
      log, topic: settings.topology[.models], clientID: "\(identity.group)-model")
    var assembler = ModelAssembler()
    try table.catchUp { record in
      guard let key = record.key, ModelKey(key)?.belongs(to: version) == true else { return }
      _ = assembler.take(key: record.key, value: record.value)
    }
    return assembler.models[version]
  }
}

/// The looks of an instance that has the lead.
private struct Looks {
  private let settings: Settings
  private let logger: Logger
  private let isCancelled: () -> Bool
  private var sync: TrackingSync?
  private var pauses = Self.freshPauses
  private var next = ContinuousClock.now
  private var failure: MLflowError?

  private static var freshPauses: RetryPauses {
    .growing(from: .seconds(1))
  }

  init(_ settings: Settings, logger: Logger, isCancelled: @escaping () -> Bool) {
    self.settings = settings
    self.logger = logger
    self.isCancelled = isCancelled
  }

  /// Looks if the log has changed or it is time.
  mutating func look(at ledger: ModelLedger, isNew: Bool, _ source: MLflowSync.Source) {
    // News waits as well while MLflow fails.
    guard ContinuousClock.now >= next || (isNew && failure == nil) else { return }
    do throws(MLflowError) {
      if sync == nil { sync = try makeSync() }
      try sync?.sync.look(at: ledger, source)
      if failure != nil { logger.notice("MLflow has caught up with the log") }
      failure = nil
      pauses = Self.freshPauses
      next = ContinuousClock.now + settings.mlflow.interval
    } catch {
      next = ContinuousClock.now + pauses.next()
      if error.isCancelled { return }
      // With secrets as their files have them then.
      sync = nil
      if failure?.reason != error.reason {
        logger.warning(
          "MLflow does not follow the log; nothing waits for it, and it gets later what it misses",
          metadata: ["reason": "\(error)"])
      }
      failure = error
    }
  }

  private func makeSync() throws(MLflowError) -> TrackingSync {
    let client = try MLflowClient(
      settings.mlflowTarget(), settings.mlflowConnection, isCancelled: isCancelled)
    return TrackingSync(
      MLflowSync(client) { [logger] news in
        logger.log(
          level: news.isWarning ? .warning : .notice, "\(news.message)",
          metadata: news.fields.mapValues { "\($0)" })
      })
  }
}

/// Holds what can't be copied.
private final class TrackingSync {
  var sync: MLflowSync

  init(_ sync: consuming MLflowSync) {
    self.sync = sync
  }
}

extension ModelLedger {
  fileprivate mutating func take(_ record: borrowing RecordView) {
    take(key: record.key, value: record.value, milliseconds: record.timestamp)
  }
}

extension ModelKey {
  /// Whether the record is of this model.
  fileprivate func belongs(to version: String) -> Bool {
    text == version || text.hasPrefix("\(version)/")
  }
}
