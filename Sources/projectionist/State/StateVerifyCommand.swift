import ArgumentParser
import Configuration
import Console
import EventLog
import Foundation
import KafkaLog
import LMDBStore
import Logging
import Pipeline
import StateStore
import Wiring

/// `projectionist state verify`
struct StateVerifyCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "verify",
    abstract: "Compute the state again from the log, and compare the store and Redis with it.",
    discussion: """
      For each store: walks its pages; folds the stage's input from the beginning up to the store's \
      input offset, by the stage's own code, into a scratch store; compares every entry byte for \
      byte; then compares Redis with the features, once the redis stage has taken them all. The \
      daemon may run meanwhile. Of movies, the quality score moves with every rating of any movie: \
      Redis must have the one published last.

      Exits with 0 only when everything agrees, and with 3 when something differs or could not be \
      compared. The log must still hold every event.
      """)

  @OptionGroup var options: StateOptions
  @Flag(inversion: .prefixedNo, help: "Compare Redis as well.") var redis = true
  @Option(help: "Seconds to wait for the stages to catch up before Redis is compared.")
  var wait = 30.0
  @Option(help: "How many differences to show of each partition.") var differences = 10
  @Flag(help: "Print JSON.") var json = false

  func validate() throws {
    try NumberBounds.seconds.check(wait, "--wait")
    guard differences >= 0 else { throw ValidationError("--differences must be 0 or more.") }
  }

  func run() throws {
    let (settings, logger) = try options.common.start("state")
    var quiet = logger
    if quiet.logLevel < .warning { quiet.logLevel = .warning }
    let log = KafkaLog(settings: settings.kafkaSettings, logger: quiet)
    // Asked once, so that a broker that is not there is an error at once.
    _ = try settings.makeAdmin(logger).cluster()
    var reports: [VerifyReport] = []
    for place in try options.places(in: settings.storage) {
      let report = try verify(place, settings, log, quiet)
      reports.append(report)
      if !json { print(report.text) }
    }
    if json { print(try JSONText.of(reports)) }
    if !reports.allSatisfy(\.agrees) { throw ExitCode(ExitStatus.stateDiffers.rawValue) }
  }

  private func verify(
    _ place: StorePlace, _ settings: Settings, _ log: KafkaLog, _ logger: Logger
  ) throws -> VerifyReport {
    let reader: LMDBReader
    do throws(StoreError) {
      reader = try place.open()
      try reader.check()
    } catch {
      throw CommandFailure(.stateDiffers, error.message)
    }
    let projection =
      redis
      ? try RedisVerification(
        settings: settings, log: log, place: place, patience: .seconds(wait)) : nil
    var problem = try projection?.waitForStore(reader)
    let snapshot = try reader.snapshot()
    let outcome = try StoreVerification(
      settings: settings, log: log, logger: logger, place: place, shown: differences
    ).run(snapshot)
    snapshot.release()
    var report = VerifyReport(place, outcome)
    guard let projection else { return report }
    if problem == nil { problem = try projection.waitForRedisStage() }
    if let problem {
      report.redisProblem = problem
    } else {
      report.add(try projection.run(outcome.features, shown: differences))
    }
    return report
  }
}
