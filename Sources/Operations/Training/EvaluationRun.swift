import Console
import Foundation
package import Recommender

/// How a model is evaluated.
package enum EvaluationProtocol: String, CaseIterable, Sendable {
  /// Each user's newest fifth is held out.
  case perUser = "per-user"
  /// The newest fifth of all ratings is held out.
  case global
  /// Whole users are held out.
  case strong
}

/// Trains a model on part of the ratings and scores it on the rest, next to popularity.
package struct EvaluationRun {
  /// The most users the strong protocol holds out for scoring, as published.
  private static let strongUsers = 10_000

  /// The model's and popularity's measures, with their names in `--json`.
  package var measures: [(name: String, model: Double, popularity: Double)] = []
  var usersScored = 0
  var ratingsHeldOut = 0
  /// `nil` under the strong protocol.
  var metrics: (model: RankingMetrics, popularity: RankingMetrics)?
  package var model: PublishedModel
  let holdOut: HoldOut
  /// Rows of the model for the users of `holdOut.known`.
  package var lists: RecommendationLists

  package init(
    _ ratings: RatingMatrix, _ protocolName: EvaluationProtocol, _ parameters: ModelParameters,
    threads: Int
  ) throws {
    holdOut = try Self.holdOut(ratings, protocolName)
    guard holdOut.scoredUsers > 0 else {
      throw CommandFailure(
        .failure, "nothing to evaluate on: no user has a held-out movie that the model knows")
    }
    usersScored = holdOut.scoredUsers
    ratingsHeldOut = holdOut.count
    model = try TrainingRun.train(
      holdOut.training, parameters, threads: threads, label: "training to evaluate"
    ).model
    var progress = ProgressBar("evaluating", unit: "users", goal: .count(holdOut.known.users.count))
    let users = Double(holdOut.known.users.count)
    do throws(UnsolvableEquations) {
      if protocolName == .strong {
        let scored = try holdOut.evaluateStrong(model.model, threads: threads) {
          progress.update(Int($0 * users))
        }
        lists = scored.lists
        measures = Self.measures(scored.metrics, holdOut.evaluateStrongPopularity())
      } else {
        let scored = try holdOut.evaluate(model.model, threads: threads) {
          progress.update(Int($0 * users * 0.8))
        }
        lists = scored.lists
        let popularity = holdOut.evaluatePopularity(threads: threads) {
          progress.update(Int((0.8 + $0 * 0.2) * users))
        }
        measures = Self.measures(scored.metrics, popularity)
        metrics = (scored.metrics, popularity)
      }
    } catch {
      throw CommandFailure(.failure, "evaluating failed: \(error)")
    }
    progress.finish(holdOut.known.users.count)
  }

  private static func holdOut(_ ratings: RatingMatrix, _ protocolName: EvaluationProtocol) throws
    -> HoldOut
  {
    switch protocolName {
    case .perUser: return HoldOut(ratings, split: .perUser)
    case .global: return HoldOut(ratings, split: .global)
    case .strong:
      let heldOut = min(strongUsers, ratings.users.count / 10)
      guard let split = HoldOut.strongGeneralization(ratings, heldOutUsers: heldOut) else {
        throw CommandFailure(
          .failure, "too few users have five ratings above 3.5 stars for this protocol")
      }
      return split
    }
  }

  private static func measures(_ model: RankingMetrics, _ popularity: RankingMetrics)
    -> [(name: String, model: Double, popularity: Double)]
  {
    [
      ("precision_at_10", model.precisionAt10, popularity.precisionAt10),
      ("recall_at_10", model.recallAt10, popularity.recallAt10),
      ("ndcg_at_10", model.ndcgAt10, popularity.ndcgAt10),
      ("auc", model.auc, popularity.auc),
    ]
  }

  private static func measures(_ model: StrongMetrics, _ popularity: StrongMetrics)
    -> [(name: String, model: Double, popularity: Double)]
  {
    [
      ("recall_at_20", model.recallAt20, popularity.recallAt20),
      ("recall_at_50", model.recallAt50, popularity.recallAt50),
      ("ndcg_at_100", model.ndcgAt100, popularity.ndcgAt100),
    ]
  }

  /// A table for people.
  package var text: String {
    var table = TextTable(["MEASURE", "MODEL", "POPULARITY"], rightAligned: [1, 2])
    for measure in measures {
      table.append([
        measure.name, String(format: "%.4f", measure.model),
        String(format: "%.4f", measure.popularity),
      ])
    }
    return table.description + "\(usersScored) users, \(ratingsHeldOut) ratings held out\n"
  }
}

extension ModelParameters {
  /// The settings of the published study of iALS under the strong protocol (Rendle, Krichene, Zhang
  /// and Koren, 2021), for these factors: users whole, all ratings weighed the same.
  package static var publishedStudy: ModelParameters {
    var parameters = ModelParameters()
    parameters.epochs = 16
    parameters.window = 0
    parameters.recencyHalfLife = 0
    parameters.taste = 0
    return parameters
  }
}
