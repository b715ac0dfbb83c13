import ArgumentParser
import Console
import Foundation
import Operations
import Wiring

/// `projectionist redis`: whose features Redis holds, and whether they are right.
struct RedisCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "redis",
    abstract: "Look at the features in Redis, compare and write them again, take them over.",
    discussion: """
      Redis keeps a record for each Feast project: which application projected which log into it, and \
      how far. A redis stage that finds another's record writes nothing and waits, with the code \
      redis_claimed. One that finds Redis emptied or set back fills it again by itself. All of these \
      run while the daemon does.

        projectionist redis stat
        projectionist redis verify
        projectionist redis rebuild
        projectionist redis claim
      """,
    subcommands: [
      RedisStatCommand.self, RedisVerifyCommand.self, RedisRebuildCommand.self,
      RedisClaimCommand.self,
    ],
    defaultSubcommand: RedisStatCommand.self)
}

/// `projectionist redis stat`
struct RedisStatCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "stat",
    abstract:
      "Print whose features Redis holds, how many, its memory, eviction policy and version.",
    aliases: ["show"])

  @OptionGroup var common: CommonOptions
  @Flag(help: "Print JSON.") var json = false

  func run() throws {
    let (settings, logger) = try common.start("redis")
    let statistics = try ProjectionStatistics(settings, logger)
    print(json ? try JSONText.of(statistics) : statistics.text)
  }
}

/// `projectionist redis claim`
struct RedisClaimCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "claim",
    abstract: "Make the configured Redis and project this application's, and fill it again.",
    discussion: """
      Raises the epoch in the record: whoever wrote there before is refused from now on, also in the \
      middle of a batch. The redis stage, once it runs, writes the features of this log over whatever \
      is there, and then removes the rows of entities that this log has no features of; its log says \
      how many. Claiming what is this application's already fills it again from the beginning.
      """)

  @OptionGroup var common: CommonOptions
  @Flag(help: "Print JSON.") var json = false

  func run() throws {
    let (settings, logger) = try common.start("redis")
    let report = try ProjectionClaim(settings, logger).claim()
    print(json ? try JSONText.of(report) : report.claimText)
  }
}
