import ArgumentParser
import Console
import Foundation
import KafkaLog
import Operations
import Wiring

/// `projectionist state verify`
struct StateVerifyCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "verify",
    abstract: "Compute the state again from the log, and compare the store and Redis with it.",
    discussion: """
      For each partition that the topics have: walks the store's pages; folds the stage's input from \
      the beginning up to the store's input offset, by the stage's own code, into a scratch store; \
      compares every entry byte for byte; then compares Redis with the features, both ways, once the \
      redis stage has taken them all: rows that differ, are missing or left over, or are fenced beyond \
      the log's end all count. At the end it looks for the events with a valid verdict, as far as \
      validation-results holds them, in validated-ratings, from which all state follows. The daemon may \
      run meanwhile. Of movies, the quality score moves with every rating of any movie: Redis must have the \
      one published last.

      Exits with 0 only when every partition was compared and agrees, and with 3 when something \
      differs or could not be compared, such as a partition whose store is on another machine, or one of \
      user-ratings that was added while nothing ran. The log \
      must still hold every event.
      """)

  @OptionGroup var options: StateOptions
  @Flag(inversion: .prefixedNo, help: "Compare Redis as well.") var redis = true
  @Option(
    help: """
      Seconds, in all, to wait for the stages to catch up before Redis is compared, and for intake \
      to read partitions that were added.
      """)
  var wait = 30.0
  @Option(help: "How many differences to show of each partition.") var differences = 10
  @Flag(help: "Print JSON.") var json = false

  func validate() throws {
    try NumberBounds.seconds.check(wait, "--wait")
    guard differences >= 0 else { throw ValidationError("--differences must be 0 or more.") }
  }

  func run() throws {
    let (settings, logger) = try options.common.start("state")
    let verification = try StateVerification(
      settings, logger, comparesRedis: redis, patience: .seconds(wait), shown: differences)
    var reports: [VerifyReport] = []
    for place in try verification.partitions(
      stage: options.stage, partition: options.partition)
    {
      let report = try verification.verify(place)
      reports.append(report)
      if !json { print(report.text) }
    }
    // What was never read belongs to no stage with state, so it counts where none is chosen.
    let unread = options.stage == nil ? try verification.unreadPartitions(options.partition) : []
    let verdicts = try verification.verifyVerdicts(reports)
    if json {
      print(try JSONText.of(Output(partitions: reports, unread: unread, verdicts: verdicts)))
    } else {
      for partition in unread { print(partition.text) }
      if reports.isEmpty, unread.isEmpty {
        print("no stage keeps state of this partition, and it is read")
      }
      if let verdicts { print(verdicts.text) }
    }
    if !reports.allSatisfy(\.agrees) || !unread.isEmpty || verdicts?.agrees == false {
      throw ExitCode(ExitStatus.stateDiffers.rawValue)
    }
  }

  private struct Output: Encodable {
    var partitions: [VerifyReport]
    var unread: [UnreadPartition]
    var verdicts: VerdictReport?
  }
}
