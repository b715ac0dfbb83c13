package import Configuration
import Console
import KafkaLog
import LMDBStore
package import Logging
import StateStore
import Wiring

/// Verifies stores of this machine: pages, entries, and Redis.
package struct StateVerification {
  private let settings: Settings
  private let log: KafkaLog
  private let logger: Logger
  private let comparesRedis: Bool
  /// How long to wait for the stages to catch up before Redis is compared.
  private let patience: Duration
  /// How many differences to show of each partition.
  private let shown: Int

  package init(
    _ settings: Settings, _ logger: Logger, comparesRedis: Bool, patience: Duration, shown: Int
  ) throws {
    var quiet = logger
    if quiet.logLevel < .warning { quiet.logLevel = .warning }
    log = KafkaLog(settings: settings.kafkaSettings, logger: quiet)
    // Asked once, so that a broker that is not there is an error at once.
    _ = try settings.makeAdmin(logger).cluster()
    self.settings = settings
    self.logger = quiet
    self.comparesRedis = comparesRedis
    self.patience = patience
    self.shown = shown
  }

  package func verify(_ place: StorePlace) throws -> VerifyReport {
    let reader: LMDBReader
    do throws(StoreError) {
      reader = try place.open()
      try reader.check()
    } catch {
      throw CommandFailure(.stateDiffers, error.message)
    }
    let projection =
      comparesRedis
      ? try RedisVerification(
        settings: settings, log: log, place: place, patience: patience) : nil
    var problem = try projection?.waitForStore(reader)
    let snapshot = try reader.snapshot()
    let outcome = try StoreVerification(
      settings: settings, log: log, logger: logger, place: place, shown: shown
    ).run(snapshot)
    snapshot.release()
    var report = VerifyReport(place, outcome)
    guard let projection else { return report }
    if problem == nil { problem = try projection.waitForRedisStage() }
    if let problem {
      report.redisProblem = problem
    } else {
      report.add(try projection.run(outcome.features, shown: shown))
    }
    return report
  }
}
