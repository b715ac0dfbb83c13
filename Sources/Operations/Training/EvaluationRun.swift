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

  /// - Parameter settings: those for the part that is trained on, and how they were found.
  package init(
    _ ratings: RatingMatrix, _ protocolName: EvaluationProtocol, threads: Int,
    settings: (_ training: RatingMatrix) throws -> (
      parameters: ModelParameters, trials: [SettingsTrial]
    )
  ) throws {
    holdOut = try Self.holdOut(ratings, protocolName)
    guard holdOut.scoredUsers > 0 else {
      throw CommandFailure(
        .failure, "nothing to evaluate on: no user has a held-out movie that the model knows")
    }
    usersScored = holdOut.scoredUsers
    ratingsHeldOut = holdOut.count
    let chosen = try settings(holdOut.training)
    model = try TrainingRun.train(
      holdOut.training, chosen.parameters, threads: threads, label: "training to evaluate",
      search: chosen.trials
    ).model
    var progress = ProgressBar("evaluating", unit: "users", goal: .count(holdOut.known.users.count))
    let users = Double(holdOut.known.users.count)
    if protocolName == .strong {
      let scored = holdOut.evaluateStrong(model.model, threads: threads) {
        progress.update(Int($0 * users))
      }
      lists = scored.lists
      measures = Self.measures(scored.metrics, holdOut.evaluateStrongPopularity())
    } else {
      let scored = holdOut.evaluate(model.model, threads: threads) {
        progress.update(Int($0 * users * 0.8))
      }
      lists = scored.lists
      let popularity = holdOut.evaluatePopularity(threads: threads) {
        progress.update(Int((0.8 + $0 * 0.2) * users))
      }
      measures =
        Self.measures(scored.metrics, popularity.metrics)
        + Self.measures(holdOut.opinions(on: lists), holdOut.opinions(on: popularity.lists))
      metrics = (scored.metrics, popularity.metrics)
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

  private static func measures(_ model: OpinionMetrics, _ popularity: OpinionMetrics)
    -> [(name: String, model: Double, popularity: Double)]
  {
    [
      ("liked_ndcg_at_10", model.liked, popularity.liked),
      ("disliked_share", model.dislikedShare, popularity.dislikedShare),
      ("coverage", model.coverage, popularity.coverage),
      ("novelty", model.novelty, popularity.novelty),
      ("popularity_bias", model.popularityBias, popularity.popularityBias),
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
  /// The settings for the strong protocol: it has neither an order of the ratings nor opinions, so
  /// all of a user's ratings count the same, as one sitting.
  package static var strongProtocol: ModelParameters {
    var parameters = ModelParameters()
    parameters.window = 0
    parameters.recencyHalfLife = 0
    parameters.taste = 0
    parameters.trend = 0
    parameters.quality = 0
    return parameters
  }
}
