import ArgumentParser
import Configuration
import Console
import EventLog
import Foundation
import KafkaLog
import Pipeline
import Recommender
import Streams
import Wiring

/// `projectionist explain`: recomputes a prediction from the log.
struct ExplainCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "explain",
    abstract: "Recompute a recorded prediction from the log and show what led to it.",
    discussion: """
      Takes the prediction at an offset of recommendations, rebuilds its user's ratings as of its \
      state offset from validated-ratings, loads its model from models, and recomputes it. Prints \
      `identical` or the difference, with the ratings that contributed most to each movie.

      A popular answer depends on the quality scores at that time, which are not recorded: only its \
      ratings are shown. If the request named genres, today's catalog is used.

      Needs no running daemon. Exits with 1 if the prediction comes out different.
      """)

  @OptionGroup var common: CommonOptions

  @Option(help: "The prediction's partition.") var partition: Int32

  @Option(help: "The prediction's offset.") var offset: Int64

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
    guard partition >= 0, offset >= 0, contributions >= 0 else {
      throw ValidationError("--partition, --offset and --contributions must be 0 or more.")
    }
  }

  func run() throws {
    let (settings, logger) = try common.start("explain")
    let log = KafkaLog(settings: settings.kafkaSettings, logger: logger)
    let topology = settings.topology
    let topic = topic ?? topology[.recommendations]
    let prediction = try PredictionRecord(log, topic, partition: partition, offset: offset)
      .prediction
    let home = try Self.home(of: prediction.request.user, topology[.validatedRatings], log)
    let explainer: Explainer<KafkaLog>
    let explanation: Explanation
    var progress = ProgressBar(
      "replay", unit: "events", goal: .count(Int(max(prediction.stateOffset, 1))))
    do throws(ExplanationError) {
      explainer = try Explainer(log, topology: topology, clientID: "projectionist-explain")
      explanation = try explainer.explain(prediction, partition: home) { read, _ in
        progress.update(Int(read))
      }
    } catch {
      if case .log(let error) = error { throw error }
      throw CommandFailure(.failure, error.description)
    }
    progress.close(Int(prediction.stateOffset))
    let report = ExplanationReport(
      prediction, explanation, source: "\(topic)[\(partition)]@\(offset)", home: home,
      contributions: contributions, movie: explainer.movie)
    if json { print(try JSONText.of(report)) } else { print(report.text, terminator: "") }
    if explanation.verdict == .different { throw ExitCode(ExitStatus.failure.rawValue) }
  }

  /// The user's partition of validated-ratings.
  private static func home(of user: Int64, _ topic: String, _ log: KafkaLog) throws(LogError)
    -> Int32
  {
    let consumer = try log.makeConsumer(
      ConsumerConfiguration(
        topics: [topic], group: nil, clientID: "projectionist-explain-home"))
    defer { consumer.close() }
    let count = try consumer.partitionCount(of: topic)
    let key = Array("\(user)".utf8)
    return KafkaPartitioner.partition(key: key.span.bytes, count: count)
  }
}
