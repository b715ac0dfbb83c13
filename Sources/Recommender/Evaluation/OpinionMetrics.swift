import Glibc

/// Whether people like what they are shown, and how wide the lists are.
public struct OpinionMetrics: Hashable, Sendable {
  /// How many users were scored.
  public var users = 0
  /// NDCG@10 over all held-out ratings.
  public var rated = 0.0
  /// NDCG@10 over those at the user's mean or above, of the users who have any.
  public var liked = 0.0
  /// The disliked, a star or more below the user's mean, among the liked and disliked that were
  /// shown.
  public var dislikedShare = 0.0
  /// The share of the movies that are in someone's list.
  public var coverage = 0.0
  /// The mean of -log₂ of the share of users who have rated what is shown.
  public var novelty = 0.0
  /// How many ratings what is shown has, relative to what was rated then.
  public var popularityBias = 0.0

  public init() {}
}

extension HoldOut {
  /// Judges lists of rows of `training.movies` for the users of `known`.
  public func opinions(on lists: RecommendationLists) -> OpinionMetrics {
    var metrics = OpinionMetrics()
    var likers = 0.0
    var shown = (liked: 0, disliked: 0)
    var tally = WidthTally(training)
    for user in known.users.indices where !heldOut(ofUser: user).isEmpty {
      let ranked = Array(lists.rows(ofUser: user).prefix(10))
      let relevant = heldOut(ofUser: user)
      let opinions = Dictionary(
        zip(relevant, opinions(ofUser: user)), uniquingKeysWith: { first, _ in first })
      metrics.users += 1
      metrics.rated += RankingMeasures(ranked: ranked, relevant: relevant).ndcg(at: 10)
      let liked = relevant.filter { opinions[$0] == .liked }
      if !liked.isEmpty {
        likers += 1
        metrics.liked += RankingMeasures(ranked: ranked, relevant: liked[...]).ndcg(at: 10)
      }
      shown.liked += ranked.count { opinions[$0] == .liked }
      shown.disliked += ranked.count { opinions[$0] == .disliked }
      tally.add(shown: ranked, heldOut: relevant)
    }
    metrics.rated /= Double(max(metrics.users, 1))
    metrics.liked /= max(likers, 1)
    metrics.dislikedShare =
      Double(shown.disliked) / Double(max(shown.liked + shown.disliked, 1))
    tally.describe(&metrics)
    return metrics
  }
}

/// Adds up what shows how wide lists are.
private struct WidthTally {
  private let counts: [Int]
  private let users: Double
  private var isShown: [Bool]
  private var surprise = 0.0
  private var shown = (count: 0, ratings: 0)
  private var heldOut = (count: 0, ratings: 0)

  init(_ training: RatingMatrix) {
    counts = training.movieCounts
    users = Double(training.users.count)
    isShown = Array(repeating: false, count: counts.count)
  }

  mutating func add(shown rows: [Int32], heldOut relevant: ArraySlice<Int32>) {
    for row in rows {
      isShown[Int(row)] = true
      surprise -= log2(Double(counts[Int(row)]) / users)
      shown.ratings += counts[Int(row)]
    }
    shown.count += rows.count
    heldOut.count += relevant.count
    heldOut.ratings += relevant.reduce(0) { $0 + counts[Int($1)] }
  }

  func describe(_ metrics: inout OpinionMetrics) {
    metrics.coverage = Double(isShown.count { $0 }) / Double(max(isShown.count, 1))
    metrics.novelty = surprise / Double(max(shown.count, 1))
    let expected = Double(heldOut.ratings) / Double(max(heldOut.count, 1))
    metrics.popularityBias =
      Double(shown.ratings) / Double(max(shown.count, 1)) / max(expected, 1)
  }
}
