import ArgumentParser
import Console
import Foundation
import Operations
import Wiring

/// `projectionist redis verify`
struct RedisVerifyCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "verify",
    abstract: "Compare all rows in Redis with the features' topics, both ways.",
    discussion: """
      Waits until the redis stage has taken all features there are at the beginning, then reads the \
      topics and compares each row: those that differ, are missing or left over, or are fenced beyond \
      the log's end all count. The daemon may run meanwhile, on any machine. `projectionist state \
      verify` also computes the features again.

      Exits with 0 when Redis agrees, and with 3 when something differs or can't be compared.
      """)

  @OptionGroup var common: CommonOptions
  @Option(help: "Seconds to wait for the redis stage to catch up.") var wait = 30.0
  @Option(help: "How many differing rows to show of users and of movies.") var differences = 10
  @Flag(help: "Print JSON.") var json = false

  func validate() throws {
    try NumberBounds.seconds.check(wait, "--wait")
    guard differences >= 0 else { throw ValidationError("--differences must be 0 or more.") }
  }

  func run() throws {
    let (settings, logger) = try common.start("redis")
    let verification = try ProjectionVerification(
      settings, logger, patience: .seconds(wait), shown: differences)
    let reports = try verification.run()
    if json {
      print(try JSONText.of(reports))
    } else {
      for report in reports { print(report.text) }
    }
    guard reports.allSatisfy(\.agrees) else { throw ExitCode(ExitStatus.stateDiffers.rawValue) }
  }
}
