import Recommender

/// A request, and what its answer is computed from.
struct Question {
  var request: RecommendationRequest
  var received: ContinuousClock.Instant
  var state: UserState
  /// The model to answer with; `nil` when none is promoted.
  var model: ServingModel?
}

/// The requests of one batch and their answers: all movies are scored for all users at once.
///
/// A personal answer is a function of the ratings, the model and the request; with genres, also of
/// the catalog. Memory is kept from batch to batch.
struct AnswerBatch: ~Copyable {
  private struct Answer {
    var strategy = RecommendationStrategy.popular
    var reason: RecommendationReason?
    /// Ratings of movies that the model knows.
    var known = 0
    /// Into `movies`.
    var list = 0..<0
    /// Into `movies`: the shadow's. `nil` without a personal one.
    var shadow: Range<Int>?
    var shadowKnown = 0
  }

  var questions: [Question] = []
  /// The ratings of all questions' users.
  var ratings: [MovieRating] = []
  private var answers: [Answer] = []
  private var movies: [ScoredMovie] = []
  private var leastWanted = 1
  private let rankers = RankerPool()
  private var shadowModel: ServingModel?
  private var filters = GenreFilters()
  /// Questions for one model.
  private var asked: [Int] = []
  /// Those of them that are in the ranker's batch: question, number there, and ratings known.
  private var ranked: [(question: Int, number: Int, known: Int)] = []

  mutating func removeAll() {
    questions.removeAll(keepingCapacity: true)
    ratings.removeAll(keepingCapacity: true)
    answers.removeAll(keepingCapacity: true)
    movies.removeAll(keepingCapacity: true)
  }

  // MARK: Answers

  /// Answers the questions that a model has a personal answer to.
  ///
  /// - Parameter atLeast: how many movies to find, also for those who want fewer.
  /// - Returns: whether all are answered now.
  mutating func answerPersonally(_ catalog: some Catalog, atLeast: Int = 1) -> Bool {
    leastWanted = atLeast
    answers.removeAll(keepingCapacity: true)
    movies.removeAll(keepingCapacity: true)
    for question in questions { answers.append(Answer(reason: Self.reason(question))) }
    var isDone = Array(repeating: false, count: questions.count)
    // Nearly always all of them ask for the promoted model.
    for first in questions.indices where !isDone[first] && answers[first].reason == nil {
      guard let model = questions[first].model else { continue }
      asked.removeAll(keepingCapacity: true)
      for index in first..<questions.count
      where questions[index].model === model && answers[index].reason == nil {
        isDone[index] = true
        asked.append(index)
      }
      rank(with: model, catalog) { answer, outcome in
        switch outcome {
        case .list(let list, let known):
          answer.strategy = .personal
          answer.list = list
          answer.known = known
        case .none(let reason): answer.reason = reason
        }
      }
    }
    for index in answers.indices where answers[index].strategy == .personal {
      if answers[index].list.isEmpty { answers[index].reason = .noMatchingMovies }
    }
    return answers.allSatisfy { $0.strategy == .personal }
  }

  /// Answers the others. To be called after `answerPersonally`.
  mutating func answerPopularly(_ ranking: borrowing PopularityRanking, _ catalog: some Catalog) {
    for index in answers.indices where answers[index].strategy == .popular {
      answerPopularly(index, ranking, catalog)
      if answers[index].list.isEmpty, !questions[index].request.genres.isEmpty {
        answers[index].reason = .noMatchingMovies
      }
    }
  }

  private func wanted(_ question: Question) -> Int { max(question.request.count, leastWanted) }

  /// Why a question can't be answered personally, as far as that shows without the model.
  private static func reason(_ question: Question) -> RecommendationReason? {
    if question.model == nil { return .noModel }
    return question.state.ratings.isEmpty ? .noRatings : nil
  }

  private enum Ranked {
    /// Into `movies`, with the number of ratings it is made of.
    case list(Range<Int>, known: Int)
    case none(RecommendationReason)
  }

  /// Answers the questions in `asked` with a model.
  private mutating func rank(
    with model: ServingModel, _ catalog: some Catalog, _ body: (inout Answer, Ranked) -> Void
  ) {
    // Taken out while it is borrowed.
    var movies: [ScoredMovie] = []
    swap(&movies, &self.movies)
    let ratings = self.ratings
    rankers.use(model) { ranker in
      ranker.removeAll()
      ranked.removeAll(keepingCapacity: true)
      for index in asked {
        let question = questions[index]
        let allowed = filters.rows(of: model, genres: question.request.genres, catalog)
        let outcome = ranker.add(
          ratings.span.extracting(question.state.ratings), wanted: wanted(question),
          excludesRated: question.request.excludesRated, allowed: allowed)
        switch outcome {
        case .added(let number, let known): ranked.append((index, number, known))
        case .unknown: body(&answers[index], .none(.noKnownMovies))
        case .unsolvable: body(&answers[index], .none(.unsolvable))
        }
      }
      ranker.rank()
      for (question, number, known) in ranked {
        let start = movies.count
        ranker.appendBest(of: number, to: &movies)
        body(&answers[question], .list(start..<movies.count, known: known))
      }
    }
    swap(&movies, &self.movies)
  }

  private mutating func answerPopularly(
    _ index: Int, _ ranking: borrowing PopularityRanking, _ catalog: some Catalog
  ) {
    let request = questions[index].request
    let rated = ratings[questions[index].state.ratings]
    let genres = request.genres.isEmpty ? nil : catalog.genreSet(named: request.genres)
    let top = ranking.top(wanted(questions[index])) { movie in
      if let genres, !catalog.genreSet(of: movie).intersects(genres) { return true }
      return request.excludesRated && rated.containsMovie(movie)
    }
    let start = movies.count
    for entry in top { movies.append(ScoredMovie(movie: entry.movie, score: entry.quality)) }
    answers[index].list = start..<movies.count
  }

  /// What to say to a question. To be called when all are answered.
  func reply(_ index: Int, catalog: some Catalog, now: ContinuousClock.Instant)
    -> RecommendationReply
  {
    let question = questions[index]
    let answer = answers[index]
    var features = question.state.features
    features.knownRatingCount = answer.known
    let isPersonal = answer.strategy == .personal
    return RecommendationReply(
      request: question.request,
      recommendations: describe(answer.list, question.request.count, catalog),
      strategy: answer.strategy, reason: answer.reason,
      modelVersion: isPersonal ? question.model?.version : nil, features: features,
      history: question.request.includesHistory ? history(question.state.ratings, catalog) : nil,
      stateOffset: question.state.offset,
      latencyMilliseconds: (now - question.received).milliseconds)
  }

  private func describe(_ list: Range<Int>, _ count: Int, _ catalog: some Catalog)
    -> [Recommendation]
  {
    movies[list].prefix(count).map { scored in
      let record = catalog[scored.movie]
      return Recommendation(
        movie: scored.movie, title: record?.title ?? "", genres: record?.genres ?? "",
        score: scored.score)
    }
  }

  private func history(_ range: Range<Int>, _ catalog: some Catalog) -> [RatedMovie] {
    ratings[range].sorted(by: RatedMovie.precedes).prefix(RatedMovie.historyCount).map { rated in
      let record = catalog[rated.movie]
      return RatedMovie(
        movie: rated.movie, title: record?.title ?? "", genres: record?.genres ?? "",
        rating: rated.rating)
    }
  }

  // MARK: Shadow

  /// Answers with another model the questions that did not name theirs. To be called when all are
  /// answered.
  mutating func answerShadow(with model: ServingModel, catalog: some Catalog) {
    shadowModel = model
    asked.removeAll(keepingCapacity: true)
    for index in questions.indices
    where questions[index].request.modelVersion == nil && !questions[index].state.ratings.isEmpty {
      asked.append(index)
    }
    rank(with: model, catalog) { answer, outcome in
      if case .list(let list, let known) = outcome {
        answer.shadow = list
        answer.shadowKnown = known
      }
    }
  }

  /// What the shadow would have said; `nil` where it has nothing personal to say. To be called after
  /// `answerShadow`.
  func shadowReply(_ index: Int, catalog: some Catalog, now: ContinuousClock.Instant)
    -> RecommendationReply?
  {
    let question = questions[index]
    guard let list = answers[index].shadow, let shadowModel else { return nil }
    var features = question.state.features
    features.knownRatingCount = answers[index].shadowKnown
    var reply = RecommendationReply(
      request: question.request, recommendations: describe(list, question.request.count, catalog),
      strategy: .personal,
      reason: list.isEmpty ? .noMatchingMovies : nil, modelVersion: shadowModel.version,
      features: features, stateOffset: question.state.offset,
      latencyMilliseconds: (now - question.received).milliseconds)
    reply.comparison = ShadowComparison(
      liveModelVersion: answers[index].strategy == .personal ? question.model?.version : nil,
      overlapAt10: ShadowComparison.overlap(
        live: movies[answers[index].list].lazy.map(\.movie),
        shadow: movies[list].lazy.map(\.movie)))
    return reply
  }

  /// Forgets models that are not among these, so that nothing keeps them in memory.
  mutating func keep(_ models: [ServingModel], shadow: ServingModel?) {
    let all = models + (shadow.map { [$0] } ?? [])
    rankers.keep(all)
    filters.keep(all)
    if shadowModel !== shadow { shadowModel = nil }
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

extension Duration {
  var milliseconds: Double {
    let (seconds, attoseconds) = components
    return Double(seconds) * 1e3 + Double(attoseconds) * 1e-15
  }
}
