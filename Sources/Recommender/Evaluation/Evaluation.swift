import LinearAlgebra

extension HoldOut {
  /// Scores a model that was trained on `training`.
  ///
  /// - Parameter progress: called on the caller's thread now and then with the share done, 0...1.
  public func evaluate(
    _ model: FactorModel, threads: Int, progress: (Double) -> Void = { _ in }
  ) -> (metrics: RankingMetrics, lists: RecommendationLists) {
    precondition(model.movies == training.movies, "the model was trained on other movies")
    let lists = model.recommendations(for: known, at: moment, count: 10, threads: threads) {
      progress($0 / 2)
    }
    let aucs = model.aucs(self, threads: threads) { progress(0.5 + $0 / 2) }
    return (metrics(lists) { aucs[$0] }, lists)
  }

  /// Scores the movies with the most ratings in `training`.
  ///
  /// - Parameter progress: called on the caller's thread now and then with the share done, 0...1.
  public func evaluatePopularity(
    threads: Int, progress: (Double) -> Void = { _ in }
  ) -> (metrics: RankingMetrics, lists: RecommendationLists) {
    let counts = training.movieCounts.map(Float.init)
    let own = training.indices(ofMoviesOf: known)
    var aucs = [Double](repeating: .nan, count: known.users.count)
    aucs.withUnsafeMutableBufferPointer { aucs in
      // Only the thread that has the user writes the user's element.
      nonisolated(unsafe) let aucs = aucs
      UserPieces.forEach(known.users.count, Threads(threads), progress) { users, _ in
        for user in users where !heldOut(ofUser: user).isEmpty {
          let rated = known.range(ofUser: user).map { own[Int(known.columns[$0])] }.sorted()
          aucs[user] = RankingMeasures.auc(
            scores: counts.span, relevant: heldOut(ofUser: user), known: rated[...])
        }
      }
    }
    let lists = training.popular(for: known, count: 10)
    return (metrics(lists) { aucs[$0] }, lists)
  }

  private func metrics(_ lists: RecommendationLists, auc: (Int) -> Double) -> RankingMetrics {
    var sum = RankingMetrics(precisionAt10: 0, recallAt10: 0, ndcgAt10: 0, auc: 0)
    var users = 0.0
    for user in known.users.indices where !heldOut(ofUser: user).isEmpty {
      let measures = RankingMeasures(
        ranked: lists.rows(ofUser: user), relevant: heldOut(ofUser: user))
      sum.precisionAt10 += measures.precision(at: 10)
      sum.recallAt10 += measures.recall(at: 10)
      sum.ndcgAt10 += measures.ndcg(at: 10)
      sum.auc += auc(user)
      users += 1
    }
    users = max(users, 1)
    return RankingMetrics(
      precisionAt10: sum.precisionAt10 / users, recallAt10: sum.recallAt10 / users,
      ndcgAt10: sum.ndcgAt10 / users, auc: sum.auc / users)
  }

  /// The measures of strong generalization for a model that was trained on `training`.
  public func evaluateStrong(
    _ model: FactorModel, threads: Int, progress: (Double) -> Void = { _ in }
  ) -> (metrics: StrongMetrics, lists: RecommendationLists) {
    precondition(model.movies == training.movies, "the model was trained on other movies")
    let lists = model.recommendations(
      for: known, at: moment, count: StrongMetrics.listLength, threads: threads,
      progress: progress)
    return (strongMetrics(lists), lists)
  }

  /// `evaluateStrong` for the movies with the most ratings in `training`.
  public func evaluateStrongPopularity() -> StrongMetrics {
    strongMetrics(training.popular(for: known, count: StrongMetrics.listLength))
  }

  private func strongMetrics(_ lists: RecommendationLists) -> StrongMetrics {
    var sum = StrongMetrics(recallAt20: 0, recallAt50: 0, ndcgAt100: 0)
    var users = 0.0
    for user in known.users.indices where !heldOut(ofUser: user).isEmpty {
      let measures = RankingMeasures(
        ranked: lists.rows(ofUser: user), relevant: heldOut(ofUser: user))
      sum.recallAt20 += measures.truncatedRecall(at: 20)
      sum.recallAt50 += measures.truncatedRecall(at: 50)
      sum.ndcgAt100 += measures.ndcg(at: 100)
      users += 1
    }
    users = max(users, 1)
    return StrongMetrics(
      recallAt20: sum.recallAt20 / users, recallAt50: sum.recallAt50 / users,
      ndcgAt100: sum.ndcgAt100 / users)
  }
}

/// The measures that papers on MovieLens 20M publish. Each is a mean over the scored users.
public struct StrongMetrics: Hashable, Sendable {
  static let listLength = 100

  /// Of min(20, held out).
  public var recallAt20: Double
  /// Of min(50, held out).
  public var recallAt50: Double
  /// With binary relevance; the ideal has min(100, held out) hits.
  public var ndcgAt100: Double

  public init(recallAt20: Double, recallAt50: Double, ndcgAt100: Double) {
    self.recallAt20 = recallAt20
    self.recallAt50 = recallAt50
    self.ndcgAt100 = ndcgAt100
  }
}

extension FactorModel {
  /// Scores all movies for some users.
  ///
  /// - Parameters:
  ///   - vectors: row-major, one row per user.
  ///   - scores: grows to one row of all movies' scores per user.
  func score(_ vectors: [Float], into scores: inout [Float]) {
    let users = vectors.count / factorCount
    if scores.count < users * movies.count {
      scores = Array(repeating: 0, count: users * movies.count)
    }
    var span = scores.mutableSpan
    BLAS.products(of: vectors.span, and: factors.span, columns: factorCount, into: &span)
  }
}
