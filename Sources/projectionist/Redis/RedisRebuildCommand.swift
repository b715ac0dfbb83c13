import ArgumentParser
import Console
import Foundation
import Operations
import Wiring

/// `projectionist redis rebuild`
struct RedisRebuildCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "rebuild",
    abstract: "Write every row of the features' topics to Redis again.",
    discussion: """
      Brings back rows that Redis evicted or that somebody deleted or changed, whatever their fences \
      say, unless the redis stage has written newer ones meanwhile. The daemon may run; no offset and \
      no epoch changes. Rows that no features stand for stay: `projectionist redis verify` finds them, \
      and `projectionist redis claim` removes them.
      """)

  @OptionGroup var common: CommonOptions
  @Flag(help: "Print JSON.") var json = false

  func run() throws {
    let (settings, logger) = try common.start("redis")
    let report = try ProjectionRebuild(settings, logger).run()
    print(json ? try JSONText.of(report) : report.text)
  }
}
