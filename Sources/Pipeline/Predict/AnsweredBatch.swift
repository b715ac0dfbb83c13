import Ratings
import Recommender

/// The answer to one request of a batch.
struct BatchAnswer {
  var strategy: RecommendationStrategy
  var reason: RecommendationReason?
  /// Into the batch's movies.
  var list: Range<Int>
  /// How many of the user's ratings count in a personal list.
  var knownRatings = 0
}

/// A batch with a list of movies for every request. Makes the replies.
struct AnsweredBatch<Destination>: ~Copyable {
  private(set) var contents: BatchContents<Destination>
  let lists: RankedLists
  let answers: [BatchAnswer]

  init(
    _ contents: BatchContents<Destination>, _ lists: RankedLists, _ answers: [BatchAnswer]
  ) {
    self.contents = contents
    self.lists = lists
    self.answers = answers
  }

  /// The requests, in order of arrival.
  var indices: Range<Int> { answers.indices }

  /// When the user asked, in milliseconds since 1970.
  func moment(of index: Int) -> Int64 { contents.requests[index].moment }

  func destination(of index: Int) -> Destination { contents.destinations[index] }

  /// - Parameter now: when the reply is written, for `latency_ms`.
  func reply(to index: Int, _ catalog: some Catalog, now: ContinuousClock.Instant)
    -> RecommendationReply
  {
    let pending = contents.requests[index]
    let answer = answers[index]
    var features = pending.state.features
    features.knownRatingCount = answer.knownRatings
    var reply = RecommendationReply(
      request: pending.request,
      recommendations: catalog.describe(lists.movies[answer.list].prefix(pending.request.count)),
      strategy: answer.strategy, reason: answer.reason,
      modelVersion: answer.strategy == .personal ? pending.model?.version : nil,
      features: features,
      history: pending.request.includesHistory ? history(of: pending, catalog) : nil,
      stateOffset: pending.state.offset, moment: pending.moment,
      latencyMilliseconds: (now - pending.received).milliseconds)
    if answer.strategy == .personal {
      reply.diversity = lists.diversity
      reply.catalogOffsets = catalog.offsets
    }
    return reply
  }

  private func history(of pending: PendingRequest, _ catalog: some Catalog) -> [RatedMovie] {
    contents.ratings[pending.state.ratings]
      .sorted(by: RatedMovie.precedes).prefix(RatedMovie.historyCount)
      .map { rated in
        let record = catalog[rated.movie]
        return RatedMovie(
          movie: rated.movie, title: record?.title ?? "", genres: record?.genres ?? "",
          rating: rated.rating)
      }
  }

  /// Ends the batch.
  ///
  /// - Returns: an empty one with this one's memory.
  consuming func emptied(_ rankers: inout ModelRankers) -> RequestBatch<Destination> {
    rankers.reuse(lists)
    contents.removeAll()
    return RequestBatch(reusing: contents)
  }
}

extension Catalog {
  /// Movies with what replies say about them.
  func describe(_ movies: ArraySlice<ScoredMovie>) -> [Recommendation] {
    movies.map { scored in
      let record = self[scored.movie]
      return Recommendation(
        movie: scored.movie, title: record?.title ?? "", genres: record?.genres ?? "",
        score: scored.score)
    }
  }
}

extension Duration {
  var milliseconds: Double {
    let (seconds, attoseconds) = components
    return Double(seconds) * 1e3 + Double(attoseconds) * 1e-15
  }
}
