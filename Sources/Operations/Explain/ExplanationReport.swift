import Console
import Foundation
public import Pipeline
import Ratings
import Recommender

/// An explanation as text and as JSON.
package struct ExplanationReport: Encodable {
  struct Contribution: Encodable {
    var movieID: Int64
    var title: String
    var rating: Double
    var contribution: Double

    enum CodingKeys: String, CodingKey {
      case movieID = "movie_id"
      case title, rating, contribution
    }
  }

  struct Movie: Encodable {
    var movieID: Int64
    var title: String
    /// From 1; `nil` if it was not recommended.
    var rank: Int?
    var score: Double?
    /// From 1; `nil` if it is not recommended now.
    var recomputedRank: Int?
    var recomputedScore: Double?
    var contributions: [Contribution]
    /// The ratings that lower the score most.
    var against: [Contribution]
    /// What everyone's taste adds.
    var prior: Double?

    enum CodingKeys: String, CodingKey {
      case movieID = "movie_id"
      case title, rank, score
      case recomputedRank = "recomputed_rank"
      case recomputedScore = "recomputed_score"
      case contributions, against, prior
    }
  }

  private(set) var prediction: String
  package private(set) var verdict: Explanation.Verdict
  private(set) var userID: Int64
  private(set) var strategy: String
  private(set) var modelVersion: String?
  private(set) var stateOffset: Int64
  private(set) var stateRules: Int
  /// The user's partition of validated-ratings.
  private(set) var statePartition: Int32
  private(set) var ratings: Int
  private(set) var knownRatings: Int
  private(set) var movies: [Movie]
  private(set) var modelTrainedAgain: Bool
  private let usesTodaysGenres: Bool
  private let catalogHasChanged: Bool

  enum CodingKeys: String, CodingKey {
    case prediction, verdict
    case userID = "user_id"
    case strategy
    case modelVersion = "model_version"
    case stateOffset = "state_offset"
    case stateRules = "state_rules"
    case statePartition = "state_partition"
    case ratings
    case knownRatings = "known_ratings"
    case movies
    case modelTrainedAgain = "model_trained_again"
  }

  /// - Parameters:
  ///   - source: where the prediction was read.
  ///   - home: the user's partition.
  ///   - contributions: how many to show for each movie.
  ///   - movie: the catalog.
  init(
    _ prediction: RecordedPrediction, _ explanation: Explanation, source: String, home: Int32,
    contributions: Int, movie: (Int64) -> MovieRecord?
  ) {
    self.prediction = source
    verdict = explanation.verdict
    userID = prediction.request.user
    strategy = prediction.strategy.rawValue
    modelVersion = prediction.modelVersion
    stateOffset = prediction.stateOffset
    stateRules = prediction.rules.rawValue
    statePartition = home
    ratings = explanation.ratings.count
    knownRatings = explanation.known
    modelTrainedAgain = explanation.modelIsTrainedAgain
    usesTodaysGenres = prediction.catalogOffsets == nil && !prediction.request.genres.isEmpty
    catalogHasChanged = explanation.catalogHasChanged
    func describe(_ part: Explanation.Contribution) -> Contribution {
      Contribution(
        movieID: part.movie, title: movie(part.movie)?.title ?? "", rating: part.rating.stars,
        contribution: part.value)
    }
    let recorded = Self.ranks(prediction.movies)
    let recomputed = Self.ranks(explanation.recomputed)
    let gone = explanation.recomputed.filter { recorded[$0.movie] == nil }
    movies = (prediction.movies + gone).map { scored in
      let parts = explanation.contributions[scored.movie] ?? []
      return Movie(
        movieID: scored.movie, title: movie(scored.movie)?.title ?? "",
        rank: recorded[scored.movie]?.rank, score: recorded[scored.movie]?.score,
        recomputedRank: recomputed[scored.movie]?.rank,
        recomputedScore: recomputed[scored.movie]?.score,
        contributions: parts.prefix(contributions).filter { $0.value > 0 }.map(describe),
        against: parts.suffix(contributions).filter { $0.value < 0 }.reversed().map(describe),
        prior: explanation.priors[scored.movie])
    }
  }

  private static func ranks(_ movies: [ScoredMovie]) -> [Int64: (rank: Int, score: Double)] {
    Dictionary(
      movies.enumerated().map { ($1.movie, (rank: $0 + 1, score: $1.score)) },
      uniquingKeysWith: { first, _ in first })
  }

  package var text: String {
    var lines = ["\(prediction): user \(userID), strategy \(strategy)"]
    if let modelVersion { lines[0] += ", model \(modelVersion)" }
    lines.append(
      "state: \(ratings) ratings as of validated-ratings[\(statePartition)]@\(stateOffset)"
        + (verdict == .notRecomputable ? "" : ", \(knownRatings) of movies that are known"))
    var text = lines.joined(separator: "\n") + "\n\n" + table.description + "\n" + conclusion + "\n"
    if modelTrainedAgain {
      text +=
        "(the model was deleted: it was trained again from the log, up to its offsets and with its"
        + " settings)\n"
    }
    if stateRules == FoldRules.byArrival.rawValue {
      text +=
        "(an earlier version wrote it: it follows older rules, by which the rating that arrived"
        + " last counted, whatever its time)\n"
    }
    if usesTodaysGenres, verdict != .notRecomputable {
      text += "(the request named genres; today's catalog was used)\n"
    }
    if catalogHasChanged, verdict == .different {
      text +=
        "(the catalog has changed since: movies may no longer have the record of that time)\n"
    }
    return text
  }

  private var table: TextTable {
    let shows = verdict == .different || verdict == .rounding
    var table = TextTable(
      ["RANK", "MOVIE", "SCORE"] + (shows ? ["AGAIN", "SCORE AGAIN"] : [])
        + ["TITLE", "MOST OF IT FROM", "AGAINST IT"],
      rightAligned: shows ? [0, 1, 2, 3, 4] : [0, 1, 2])
    for movie in movies {
      let again = [
        movie.recomputedRank.map { "\($0)" } ?? "-",
        movie.recomputedScore.map { String(format: "%.9g", $0) } ?? "-",
      ]
      table.append(
        [
          movie.rank.map { "\($0)" } ?? "-", "\(movie.movieID)",
          movie.score.map { String(format: shows ? "%.9g" : "%.4g", $0) } ?? "-",
        ] + (shows ? again : []) + [
          movie.title, Self.text(movie.contributions), Self.text(movie.against),
        ])
    }
    return table
  }

  private static func text(_ parts: [Contribution]) -> String {
    parts.map { part in
      "\(part.title.isEmpty ? "\(part.movieID)" : part.title) (\(part.rating))"
        + String(format: " %+.2g", part.contribution)
    }.joined(separator: ", ")
  }

  private var conclusion: String {
    switch verdict {
    case .identical: "identical: the same movies with the same scores, to the last bit"
    case .rounding:
      "equal except for rounding: the same movies in the same order; another processor or version of"
        + " OpenBLAS sums in another order"
    case .different: "DIFFERENT: the log or the model gives another answer than the recorded one"
    case .notRecomputable:
      "not recomputable: a popular answer depends on the quality scores at that time, which are not"
        + " recorded"
    }
  }
}

extension Explanation.Verdict: Encodable {}
