import ArgumentParser
import Configuration
import Console
import Foundation
import KafkaLog
import Operations
import Processes
import Recommender

/// `projectionist train`
struct TrainCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "train",
    abstract: "Train a model from the log and publish it.",
    discussion: """
      Reads validated-ratings from its beginning, trains, and publishes the model to the topic \
      models. A model is a function of the log: the same offsets and flags give the same version, \
      if the search for settings starts from the same ones. Every running daemon loads it. It \
      serves at once with --promote or if no model is promoted yet, and otherwise after \
      `projectionist models promote`.

      The settings are chosen for the log: parts are cut from it, right after each user's last \
      rating and at its end, and what others like is tried on them, starting from the settings of \
      the model that serves. That trains twice more. What is given is kept; --fixed tries nothing.

        projectionist train --evaluate --promote
        projectionist train --until 2024-06-01 --factors 32
        projectionist train --until 0:120000,1:119000,2:121000,3:118000

      With --every or --after-ratings it is a service next to the daemon: it trains again and \
      again, at low priority, and promotes a model that is no worse than the one that serves, both judged \
      on the newest fifth of the ratings. Of several such services of an application one is at \
      work, and the others wait for its place. SIGTERM ends it between two steps.

        projectionist train --every 6h
        projectionist train --after-ratings 100000 --shadow 1h

      With files of ratings instead of the log, as `projectionist load` reads them, nothing is \
      published and Kafka is not needed:

        projectionist train --ratings ml-latest-small --evaluate
        projectionist train --ratings train.csv --csv recommendations.csv --at log-end
      """)

  @Option(
    help: ArgumentHelp(
      "Read validated-ratings up to these offsets, exclusive, or up to the first record produced at"
        + " or after this time; by default up to its end.", valueName: "0:100,1:90|time"))
  var until: TrainingCutoff?
  @Option(
    help: ArgumentHelp("Train on this file, archive or directory instead.", valueName: "file"),
    completion: .file())
  var ratings: String?
  @OptionGroup(title: "Files") var fileOptions: FileOptions
  @Flag(help: "First train on part of the ratings and score the rest.")
  var evaluate = false
  @Option(
    name: .customLong("protocol"),
    help: """
      What is held out: each user's newest fifth (per-user), the newest fifth of all (global), or \
      whole users (strong), with settings for a protocol without times and opinions.
      """)
  var protocolName = EvaluationProtocol.perUser
  @Option(
    help: ArgumentHelp(
      "Also replay this many of the last weeks: how good lists are with a model that is trained"
        + " every week, and with one that is trained once.", valueName: "weeks"))
  var weekly: Int?
  @Option(
    help: ArgumentHelp("Draw that on this page, as HTML.", valueName: "file"), completion: .file())
  var plot: String?
  @Option(
    help: ArgumentHelp(
      "Write each user's recommendations as user,movie,rank; with --evaluate, the scored ones.",
      valueName: "file"), completion: .file())
  var csv: String?
  @Option(help: "Recommendations for each user in that file.")
  var top = 10
  @Option(
    help: """
      The moment that file recommends for: each user's last rating, when the films of the last \
      sitting lead (last-rating), or the newest rating of all, when what lasts does (log-end).
      """)
  var at = ListMoment.lastRating
  @Flag(help: "Make the model serve even if another does.")
  var promote = false
  @Option(help: "Models kept on the topic; the promoted one and the one before are never deleted.")
  var keep = 5
  @OptionGroup(title: "Service") var service: ServiceOptions
  @OptionGroup(title: "Training") var training: TrainingOptions
  @Flag(help: "Print a summary as JSON at the end; as a service, each verdict in a line.")
  var json = false
  @OptionGroup var common: CommonOptions

  func validate() throws {
    try (1...1000).check(top, "--top")
    try (1...1000).check(weekly, "--weekly")
    if weekly != nil && !evaluate || plot != nil && weekly == nil {
      throw ValidationError("--weekly requires --evaluate, and --plot requires --weekly.")
    }
    if weekly != nil && protocolName == .strong {
      throw ValidationError("--weekly can't be used with the strong protocol, which has no time.")
    }
    guard keep >= 1 else { throw ValidationError("--keep must be 1 or more.") }
    if service.isAsked {
      guard ratings == nil, until == nil, csv == nil, !evaluate, !promote else {
        throw ValidationError(
          "--every and --after-ratings can't be used with --ratings, --until, --csv, --evaluate or"
            + " --promote.")
      }
    }
    if ratings != nil {
      if until != nil {
        throw ValidationError("--until is for the log and can't be used with --ratings.")
      }
      if promote {
        throw ValidationError("--promote can't be used with --ratings: nothing is published.")
      }
    }
    if ratings == nil, fileOptions.scale != nil || fileOptions.skipInvalid {
      throw ValidationError("--scale and --skip-invalid are for files and require --ratings.")
    }
    if !evaluate && protocolName != .perUser {
      throw ValidationError("--protocol requires --evaluate.")
    }
    if at != .lastRating, csv == nil || evaluate {
      throw ValidationError("--at requires --csv without --evaluate, whose protocol says when.")
    }
    if evaluate && csv != nil && top != 10 {
      throw ValidationError("--top can't be used with --evaluate: the scored lists are written.")
    }
  }

  func run() throws {
    if service.isAsked { return try serve() }
    for file in [csv, plot].compactMap(\.self) { try OutputFile.check(file) }
    let options = training
    let choice: ModelTraining.Choice
    if protocolName == .strong {
      choice = .given(options.parameters(over: .strongProtocol))
    } else if options.fixed {
      choice = .given(options.parameters(over: ModelParameters()))
    } else {
      choice = .searched(fixed: options.fixedKnobs) { options.parameters(over: $0) }
    }
    let training = ModelTraining(
      choice, threads: options.threadCount, evaluation: evaluate ? protocolName : nil,
      weekly: weekly.map { .init(count: $0, plot: plot) },
      lists: csv.map { .init(file: $0, count: top, moment: at) }, note: Self.note)
    if let ratings {
      let outcome = try training.train(
        from: RatingFileSource(
          path: ratings, scale: fileOptions.top, skipsInvalid: fileOptions.skipInvalid,
          policy: try common.start("train").settings.zonedPolicy))
      try finish(outcome.summary, outcome.evaluation)
    } else {
      let (settings, logger) = try common.start("train")
      let outcome = try training.train(
        fromLog: settings, logger, until: until, promotes: promote, keep: keep)
      try finish(outcome.summary, outcome.evaluation)
    }
  }

  private func serve() throws {
    let (settings, logger) = try common.start("trainer")
    let interruption = Interruption()
    setpriority(__priority_which_t(0), 0, Self.niceness)
    let options = training
    let choice: ModelTraining.Choice =
      options.fixed
      ? .given(options.parameters(over: ModelParameters()))
      : .searched(fixed: options.fixedKnobs) { options.parameters(over: $0) }
    let threads = options.threads ?? max(1, options.threadCount - 1)
    let training = ModelTraining(
      choice, threads: threads, evaluation: nil, lists: nil, note: Self.note)
    let trainer = TrainerService(
      settings, logger, service.plan(keep: keep, threads: threads), training, interruption
    ) { version, verdict in
      guard json else { return }
      print(VerdictOutput(version, verdict).line)
      fflush(nil)
    }
    try trainer.run()
  }

  /// What runs next to it comes first.
  private static let niceness: Int32 = 10

  private func finish(_ summary: TrainingSummary, _ evaluation: EvaluationRun?) throws {
    if json { return print(try JSONText.of(summary)) }
    if let evaluation { print(evaluation.text, terminator: "") }
    if let replay = summary.replay { print(replay.text, terminator: "") }
    if let version = summary.version {
      print(summary.published ? "published \(version)" : "trained \(version)")
    }
  }

  private static func note(_ text: String) {
    FileHandle.standardError.write(Data("\(text)\n".utf8))
  }
}
