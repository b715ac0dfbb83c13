package import Configuration
import Console
import EventLog
import Foundation
import KafkaLog
package import Logging
import Pipeline
import Recommender
import Streams
import Wiring

/// Which prediction is meant.
package enum PredictionPlace {
  case offset(Int64, partition: Int32)
  case latest(user: Int64)
}

/// Computes a recorded prediction again, with a progress bar.
package struct PredictionExplanation {
  private let log: KafkaLog
  private let settings: Settings
  private let logger: Logger
  private var topology: Topology { settings.topology }

  package init(_ settings: Settings, _ logger: Logger) {
    self.settings = settings
    self.logger = logger
    log = settings.makeQuietLog(logger)
  }

  /// - Parameter contributions: how many to show for each movie.
  package func explain(_ topic: String?, _ place: PredictionPlace, contributions: Int) throws
    -> ExplanationReport
  {
    let topic = topic ?? topology[.recommendations]
    let (partition, offset) = try find(place, topic)
    let prediction = try PredictionRecord(log, topic, partition: partition, offset: offset)
      .prediction
    let home = try home(of: prediction.request.user)
    let explainer: Explainer<KafkaLog>
    let explanation: Explanation
    var progress = ProgressBar(
      "replay", unit: "events", goal: .count(Int(max(prediction.stateOffset, 1))))
    var training = ProgressBar("training the deleted model again", goal: .fraction)
    do throws(ExplanationError) {
      explainer = try Explainer(
        log, topology: topology, clientID: "projectionist-explain",
        requiresCatalog: settings.predict.requireCatalog,
        threads: ProcessInfo.processInfo.activeProcessorCount)
      explanation = try explainer.explain(
        prediction, partition: home, training: { share in training.refresh(fraction: share) },
        progress: { read, _ in progress.update(Int(read)) })
    } catch {
      if case .log(let error) = error { throw error }
      throw CommandFailure(.failure, error.description)
    }
    training.close()
    progress.close(Int(prediction.stateOffset))
    return ExplanationReport(
      prediction, explanation, source: "\(topic)[\(partition)]@\(offset)", home: home,
      contributions: contributions, movie: explainer.movie)
  }

  private func find(_ place: PredictionPlace, _ topic: String) throws -> (Int32, Int64) {
    switch place {
    case .offset(let offset, let partition): return (partition, offset)
    case .latest(let user):
      let found = try LatestPrediction(of: user, log, topic)
      return (found.partition, found.offset)
    }
  }

  /// The user's partition of validated-ratings.
  private func home(of user: Int64) throws -> Int32 {
    let counts = try settings.usedCounts(try settings.makeAdmin(logger), logger)
    let key = Array("\(user)".utf8)
    return KafkaPartitioner.partition(
      key: key.span.bytes, count: counts.count(of: .validatedRatings) ?? 1)
  }
}
