public import Ratings

/// Orders the best movies of a user so that a list has several genres: one after another, the
/// candidate with the largest (1 - d) · relevance - d · likeness.
///
/// Relevance is the score between the lowest of the candidates, 0, and the highest, 1. Likeness is
/// the largest share of genres in common with a movie taken before. Source: Carbonell and
/// Goldstein, "The use of MMR, diversity-based reranking for reordering documents", SIGIR 1998.
/// What it costs is in Model.md.
public struct GenreDiversity: Hashable, Sendable {
  public static let allowedPercent = 0...100
  /// So many of the best movies are candidates for each that is wanted, and for ten at least: a
  /// shorter list is then the beginning of a longer one.
  private static let candidatesEach = 5
  private static let leastWanted = 10

  /// d, in percent.
  public let percent: Int

  /// - Returns: `nil` for 0 percent, which changes nothing.
  public init?(percent: Int) {
    precondition(Self.allowedPercent.contains(percent))
    if percent == 0 { return nil }
    self.percent = percent
  }

  /// How many of the best movies to rank for a list of this length.
  public func candidates(for wanted: Int) -> Int {
    Self.candidatesEach * max(wanted, Self.leastWanted)
  }

  /// Replaces the candidates at the end of a list with those chosen.
  ///
  /// - Parameters:
  ///   - start: where the candidates begin, best first.
  ///   - wanted: how many to keep.
  ///   - genres: a movie's.
  public func choose(
    _ wanted: Int, in list: inout [ScoredMovie], from start: Int, genres: (Int64) -> GenreSet
  ) {
    var candidates = list[start...].map { (movie: $0, genres: genres($0.movie), likeness: 0.0) }
    list.removeLast(list.count - start)
    guard let highest = candidates.first?.movie.score, let lowest = candidates.last?.movie.score
    else { return }
    let range = max(highest - lowest, .leastNormalMagnitude)
    let share = Double(percent) / 100
    while list.count - start < wanted, !candidates.isEmpty {
      var best = 0
      var bestValue = -Double.infinity
      for (place, candidate) in candidates.enumerated() {
        let relevance = (candidate.movie.score - lowest) / range
        let value = (1 - share) * relevance - share * candidate.likeness
        if value > bestValue { (best, bestValue) = (place, value) }
      }
      let chosen = candidates.remove(at: best)
      list.append(chosen.movie)
      for place in candidates.indices {
        candidates[place].likeness = max(
          candidates[place].likeness, candidates[place].genres.likeness(to: chosen.genres))
      }
    }
  }
}
