import Ratings
import Recommender

/// A batch whose personal lists are ranked. The requests that have none still need a popular list.
struct ScoredBatch<Destination>: ~Copyable {
  private var contents: BatchContents<Destination>
  private var lists: RankedLists
  private let leastWanted: Int

  init(_ contents: BatchContents<Destination>, _ lists: RankedLists, atLeast: Int) {
    self.contents = contents
    self.lists = lists
    leastWanted = atLeast
  }

  /// Whether some request has no personal list.
  var needsPopularLists: Bool {
    lists.outcomes.contains { outcome in
      if case .unranked = outcome { true } else { false }
    }
  }

  /// Gives a popular list to every request that has no personal one.
  consuming func answered(by ranking: borrowing PopularityRanking, _ catalog: some Catalog)
    -> AnsweredBatch<Destination>
  {
    var answers: [BatchAnswer] = []
    answers.reserveCapacity(contents.requests.count)
    for (index, pending) in contents.requests.enumerated() {
      switch lists.outcomes[index] {
      case .ranked(let list, let known, let shortage):
        answers.append(
          BatchAnswer(strategy: .personal, reason: shortage, list: list, knownRatings: known))
      case .unranked(let reason):
        let list = appendPopular(for: pending, ranking, catalog)
        answers.append(
          BatchAnswer(
            strategy: .popular,
            reason: list.isEmpty ? Self.lack(for: pending.request, ranking, catalog) : reason,
            list: list))
      }
    }
    return AnsweredBatch(contents, lists, answers)
  }

  private mutating func appendPopular(
    for pending: PendingRequest, _ ranking: borrowing PopularityRanking, _ catalog: some Catalog
  ) -> Range<Int> {
    let request = pending.request
    let rated = contents.ratings[pending.state.ratings]
    let genres = request.genres.isEmpty ? nil : catalog.genreSet(named: request.genres)
    let isRestrictive = catalog.isRestrictive
    let top = ranking.top(max(request.count, leastWanted)) { movie in
      if isRestrictive, !catalog.contains(movie) { return true }
      if let genres, !catalog.genreSet(of: movie).intersects(genres) { return true }
      return request.excludesRated && rated.containsMovie(movie)
    }
    let start = lists.movies.count
    for entry in top {
      lists.movies.append(ScoredMovie(movie: entry.movie, score: entry.quality))
    }
    return start..<lists.movies.count
  }

  /// Why a popular list is empty.
  private static func lack(
    for request: RecommendationRequest, _ ranking: borrowing PopularityRanking,
    _ catalog: some Catalog
  ) -> RecommendationReason {
    var movies = ranking.entries[...]
    if catalog.isRestrictive { movies = movies.filter { catalog.contains($0.movie) }[...] }
    if movies.isEmpty { return .noMovies }
    guard !request.genres.isEmpty else { return .noMoreMovies }
    let genres = catalog.genreSet(named: request.genres)
    let isMatched = movies.contains { catalog.genreSet(of: $0.movie).intersects(genres) }
    return isMatched ? .noMoreMovies : .noMatchingMovies
  }
}

extension ArraySlice<MovieRating> {
  /// Whether the movie is among ratings that are ordered by rising movie id.
  func containsMovie(_ movie: Int64) -> Bool {
    var low = startIndex
    var high = endIndex
    while low < high {
      let middle = (low + high) / 2
      if self[middle].movie < movie { low = middle + 1 } else { high = middle }
    }
    return low < endIndex && self[low].movie == movie
  }
}
