import ArgumentParser
import Configuration
import Console
import Foundation
import Operations
import Pipeline

/// `projectionist explain`: recomputes a prediction from the log.
struct ExplainCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "explain",
    abstract: "Recompute a recorded prediction from the log and show what led to it.",
    discussion: """
      Takes the prediction at an offset of recommendations, or a user's latest one, rebuilds its \
      user's ratings as of its state offset from validated-ratings, loads its model from models, \
      and recomputes it. Prints `identical` or the difference, with the ratings that contributed \
      most to each movie. A model that was deleted is trained again for it, from the log up to its \
      offsets.

      A popular answer depends on the quality scores at that time, which are not recorded: only its \
      ratings are shown. Uses the catalog as of the answer; for answers of earlier versions, today's.

      Needs no running daemon. Exits with 1 if the prediction comes out different.
      """)

  @OptionGroup var common: CommonOptions

  @Option(help: "The prediction's partition.") var partition: Int32?

  @Option(help: "The prediction's offset.") var offset: Int64?

  @Option(
    help: ArgumentHelp(
      "Explain this user's latest prediction instead; reads the whole topic.", valueName: "id"))
  var user: Int64?

  @Option(
    help: ArgumentHelp(
      "The prediction's topic, by default that of the replies: for example the shadow's, or your own"
        + " reply topic.",
      valueName: "topic"))
  var topic: String?

  @Option(help: ArgumentHelp("How many contributions to show for each movie.", valueName: "count"))
  var contributions = 3

  @Flag(help: "Print JSON.") var json = false

  func validate() throws {
    guard partition ?? 0 >= 0, offset ?? 0 >= 0, contributions >= 0 else {
      throw ValidationError("--partition, --offset and --contributions must be 0 or more.")
    }
    _ = try place()
  }

  private func place() throws(ValidationError) -> PredictionPlace {
    switch (partition, offset, user) {
    case (let partition?, let offset?, nil): return .offset(offset, partition: partition)
    case (nil, nil, let user?): return .latest(user: user)
    default:
      throw ValidationError("Name the prediction by --partition and --offset, or by --user.")
    }
  }

  func run() throws {
    let (settings, logger) = try common.start("explain")
    let report = try PredictionExplanation(settings, logger).explain(
      topic, try place(), contributions: contributions)
    if json { print(try JSONText.of(report)) } else { print(report.text, terminator: "") }
    if report.verdict == .different { throw ExitCode(ExitStatus.failure.rawValue) }
  }
}
