import Codecs
import Ratings
import Simulation
import Streams
import Testing

@testable import Pipeline
@testable import Recommender

/// A batch's way from requests to replies, without a log. That no step can be left out or taken
/// twice needs no test: each consumes the type that the one before it makes.
@Suite struct AnsweringTests {
  private static let movies = Array(Int64(1)...40)
  private static let catalog = FixedCatalog(
    movies.map { MovieRecord(movie: $0, title: "M\($0)", genres: [$0 % 2 == 0 ? "War" : "Drama"]) })
  private static let ranking = PopularityRanking(
    movies.map { PopularityRanking.Entry(movie: $0, quality: 5 - Double($0) / 100) })

  private let store: MemoryStore
  private let now = ContinuousClock.now

  /// Users 1 to 5 have rated some of the movies, user 6 one that no model knows.
  init() throws {
    let chain = Chain()
    var generator = SeededGenerator(seed: 11)
    for index in Int64(0)..<60 {
      let movie = Int64.random(in: 1...40, using: &generator)
      try chain.rate(1 + index % 5, movie, 4, at: ServingBed.start + index)
    }
    try chain.rate(6, 1_000, 4, at: ServingBed.start)
    try chain.runAll()
    store = try chain.storage.open(
      stage: StageDeclaration.user.name, partition: 0,
      tables: StageDeclaration.user.tableNames)
  }

  private static func model(seed: UInt64, movies: [Int64] = movies) -> ServingModel {
    ServingModel(ServingBed.model(movies: movies, seed: seed).model)
  }

  /// A model whose numbers overflow as soon as a user is folded in.
  private static func unsolvableModel() -> ServingModel {
    let model = ServingBed.model(movies: movies, seed: 9).model
    var contents = model.contents
    contents.factors = Array(repeating: 1e30, count: model.factors.count)
    return ServingModel(FactorModel(metadata: model.metadata, contents: contents))
  }

  private func add(
    _ requests: [RecommendationRequest], _ model: ServingModel?,
    to batch: inout RequestBatch<Int>
  ) throws {
    var view = UserStateView<MemoryStore>(try store.snapshot())
    for (index, request) in requests.enumerated() {
      let isAdded = try batch.add(
        request, received: now, moment: 0, model: model, from: &view, to: index)
      #expect(isAdded)
    }
    view.release()
  }

  private func encoded(_ reply: RecommendationReply) -> [UInt8] {
    var writer = JSONWriter()
    reply.write(to: &writer)
    return writer.copyBytes()
  }

  private func replies(_ answered: borrowing AnsweredBatch<Int>) -> [[UInt8]] {
    var replies: [[UInt8]] = []
    for index in answered.indices {
      #expect(answered.destination(of: index) == index)
      replies.append(encoded(answered.reply(to: index, Self.catalog, now: now)))
    }
    return replies
  }

  private static let requests = [
    RecommendationRequest(user: 1), RecommendationRequest(user: 2, count: 3, includesHistory: true),
    RecommendationRequest(user: 99), RecommendationRequest(user: 3, genres: ["War"]),
    RecommendationRequest(user: 6, genres: ["Western"]),
    RecommendationRequest(user: 4, count: 100, excludesRated: false),
    RecommendationRequest(user: 6), RecommendationRequest(user: 5, genres: ["Western"]),
  ]

  // MARK: Live

  @Test func everyRequestIsAnsweredInItsPlace() throws {
    var batch = RequestBatch<Int>()
    var rankers = ModelRankers()
    let model = Self.model(seed: 1)
    try add(Self.requests, model, to: &batch)
    let scored = batch.scored(by: &rankers, Self.catalog)
    let needsPopularLists = scored.needsPopularLists
    #expect(needsPopularLists)
    let answered = scored.answered(by: Self.ranking, Self.catalog)
    let replies = answered.indices.map { answered.reply(to: $0, Self.catalog, now: now) }
    #expect(replies.map(\.request) == Self.requests)
    #expect(
      replies.map(\.strategy) == [
        .personal, .personal, .popular, .personal, .popular, .personal, .popular, .personal,
      ])
    #expect(
      replies.map(\.reason) == [
        nil, nil, .noRatings, nil, .noMatchingMovies, .noMoreMovies, .noKnownMovies,
        .noMatchingMovies,
      ])
    #expect(replies.map(\.recommendations.count) == [10, 3, 10, 10, 0, 40, 10, 0])
    #expect(
      replies.map(\.modelVersion)
        == replies.map { $0.strategy == .personal ? model.version : nil })
    #expect(replies[3].recommendations.allSatisfy { $0.genres == "War" })
    #expect(replies[2].recommendations.map(\.movie) == Array(1...10))
    #expect(replies.map { $0.history != nil } == Self.requests.map(\.includesHistory))
    #expect(replies.allSatisfy { $0.comparison == nil && $0.latencyMilliseconds == 0 })
  }

  /// Half the movies are of either genre: with diversity a list has both, and the reply says so.
  /// A shadow, which has more ranked, changes nothing, and the answer can be explained.
  @Test func aDiverseListIsExplained() throws {
    let model = Self.model(seed: 1)
    let diversity = try #require(GenreDiversity(percent: 70))
    let requests = [1, 2, 3, 4, 5].map { RecommendationRequest(user: $0, count: 4) }
    func answers(_ diversity: GenreDiversity?, atLeast: Int) throws -> [RecommendationReply] {
      var batch = RequestBatch<Int>()
      var rankers = ModelRankers(diversity: diversity)
      try add(requests, model, to: &batch)
      let answered = batch.scored(by: &rankers, Self.catalog, atLeast: atLeast)
        .answered(by: Self.ranking, Self.catalog)
      return answered.indices.map { answered.reply(to: $0, Self.catalog, now: now) }
    }
    let diverse = try answers(diversity, atLeast: 1)
    #expect(try answers(diversity, atLeast: 10).map(encoded) == diverse.map(encoded))
    let plain = try answers(nil, atLeast: 1)
    #expect(plain.allSatisfy { $0.diversity == nil } && plain.map(encoded) != diverse.map(encoded))
    for (reply, plainReply) in zip(diverse, plain) {
      #expect(reply.diversity == diversity)
      #expect(Set(reply.recommendations.prefix(2).map(\.genres)).count == 2)
      var view = UserStateView<MemoryStore>(try store.snapshot())
      var ratings: [MovieRating] = []
      _ = try view.read(reply.request.user, into: &ratings)
      var prediction = RecordedPrediction(
        request: reply.request, strategy: .personal, modelVersion: model.version,
        stateOffset: reply.stateOffset, moment: reply.moment, diversity: diversity,
        movies: reply.recommendations.map { ScoredMovie(movie: $0.movie, score: $0.score) })
      func verdict() -> Explanation.Verdict {
        Explanation(prediction, ratings: ratings, model: model, catalog: Self.catalog).verdict
      }
      #expect(verdict() == .identical)
      prediction.diversity = nil
      let isPlain = reply.recommendations == plainReply.recommendations
      #expect(verdict() == (isPlain ? .identical : .different))
      view.release()
    }
  }

  @Test func popularListsAreNeededOnlyWithoutPersonalOnes() throws {
    var rankers = ModelRankers()
    for (user, model, needsPopular) in [
      (1, Self.model(seed: 1), false), (1, nil, true), (99, Self.model(seed: 1), true),
      (1, Self.unsolvableModel(), true),
    ] as [(Int64, ServingModel?, Bool)] {
      var batch = RequestBatch<Int>()
      try add([RecommendationRequest(user: user)], model, to: &batch)
      let scored = batch.scored(by: &rankers, Self.catalog)
      let found = scored.needsPopularLists
      #expect(found == needsPopular)
      _ = scored.answered(by: Self.ranking, Self.catalog)
    }
  }

  @Test func requestsForSeveralModelsShareABatch() throws {
    let models = [Self.model(seed: 1), Self.model(seed: 2)]
    var batch = RequestBatch<Int>()
    var rankers = ModelRankers()
    var view = UserStateView<MemoryStore>(try store.snapshot())
    for index in 0..<4 {
      #expect(
        try batch.add(
          RecommendationRequest(user: 1), received: now, moment: 0, model: models[index % 2],
          from: &view,
          to: index))
    }
    let answered = batch.scored(by: &rankers, Self.catalog)
      .answered(by: Self.ranking, Self.catalog)
    let replies = answered.indices.map { answered.reply(to: $0, Self.catalog, now: now) }
    #expect(replies.map(\.modelVersion) == [0, 1, 0, 1].map { models[$0].version })
    #expect(replies[0].recommendations == replies[2].recommendations)
    #expect(replies[1].recommendations == replies[3].recommendations)
    #expect(replies[0].recommendations != replies[1].recommendations)
  }

  @Test func anEmptiedBatchLeavesNoTrace() throws {
    let model = Self.model(seed: 1)
    let few = Array(Self.requests[1...2])
    var batch = RequestBatch<Int>()
    var rankers = ModelRankers()
    try add(few, model, to: &batch)
    let first = batch.scored(by: &rankers, Self.catalog)
      .answered(by: Self.ranking, Self.catalog)
    let expected = replies(first)
    var second = first.emptied(&rankers)
    let isEmpty = second.isEmpty
    #expect(isEmpty)
    try add(Self.requests, Self.model(seed: 2), to: &second)
    var third = second.scored(by: &rankers, Self.catalog)
      .answered(by: Self.ranking, Self.catalog).emptied(&rankers)
    rankers.keep([model])
    try add(few, model, to: &third)
    let last = third.scored(by: &rankers, Self.catalog)
      .answered(by: Self.ranking, Self.catalog)
    #expect(replies(last) == expected)
  }

  /// A batch allocates no memory for its requests and lists if an earlier one had as many.
  @Test func memoryIsReusedFromBatchToBatch() throws {
    let model = Self.model(seed: 1)
    var batch = RequestBatch<Int>()
    var rankers = ModelRankers()
    var addresses: [[UnsafeRawPointer?]] = []
    for _ in 0..<3 {
      try add(Self.requests, model, to: &batch)
      let answered = batch.scored(by: &rankers, Self.catalog, atLeast: ShadowComparison.depth)
        .answered(by: Self.ranking, Self.catalog)
      let shadow = answered.shadowAnswers(of: model, &rankers, Self.catalog)
      addresses.append([
        answered.contents.requests.withUnsafeBytes { $0.baseAddress },
        answered.contents.ratings.withUnsafeBytes { $0.baseAddress },
        answered.contents.destinations.withUnsafeBytes { $0.baseAddress },
        answered.lists.movies.withUnsafeBytes { $0.baseAddress },
        shadow.lists.movies.withUnsafeBytes { $0.baseAddress },
      ])
      shadow.discard(&rankers)
      batch = answered.emptied(&rankers)
    }
    #expect(addresses[0] == addresses[1] && addresses[1] == addresses[2])
  }

  // MARK: Shadow

  enum Shadow: CaseIterable {
    case good
    case unsolvable
    /// Knows none of the rated movies.
    case ignorant

    fileprivate var model: ServingModel {
      switch self {
      case .good: AnsweringTests.model(seed: 2)
      case .unsolvable: AnsweringTests.unsolvableModel()
      case .ignorant: AnsweringTests.model(seed: 3, movies: [5_000])
      }
    }
  }

  @Test(arguments: Shadow.allCases)
  func aShadowChangesNoReply(_ kind: Shadow) throws {
    let live = Self.model(seed: 1)
    var plainBatch = RequestBatch<Int>()
    var plainRankers = ModelRankers()
    try add(Self.requests, live, to: &plainBatch)
    let plain = plainBatch.scored(by: &plainRankers, Self.catalog)
      .answered(by: Self.ranking, Self.catalog)
    let expected = replies(plain)

    var batch = RequestBatch<Int>()
    var rankers = ModelRankers()
    for _ in 0..<2 {
      try add(Self.requests, live, to: &batch)
      let answered = batch.scored(
        by: &rankers, Self.catalog, atLeast: ShadowComparison.depth
      ).answered(by: Self.ranking, Self.catalog)
      #expect(replies(answered) == expected)
      let shadow = answered.shadowAnswers(of: kind.model, &rankers, Self.catalog)
      let shadows = answered.indices.map {
        answered.reply(to: $0, by: shadow, Self.catalog, now: now)
      }
      #expect(replies(answered) == expected)
      let ranked = shadows.compactMap(\.?.request.user)
      #expect(ranked == (kind == .good ? [1, 2, 3, 4, 5] : []))
      shadow.discard(&rankers)
      batch = answered.emptied(&rankers)
    }
  }

  @Test func aShadowIsComparedWithTheLiveAnswer() throws {
    let live = Self.model(seed: 1)
    let requests = [
      RecommendationRequest(user: 1, count: 2, includesHistory: true),
      RecommendationRequest(user: 2, modelVersion: live.version),
    ]
    var batch = RequestBatch<Int>()
    var rankers = ModelRankers()
    try add(requests, live, to: &batch)
    let answered = batch.scored(by: &rankers, Self.catalog, atLeast: ShadowComparison.depth)
      .answered(by: Self.ranking, Self.catalog)
    // The live model as its own shadow: everything agrees.
    let same = answered.shadowAnswers(of: live, &rankers, Self.catalog)
    let shadowReply = answered.reply(to: 0, by: same, Self.catalog, now: now)
    let reply = try #require(shadowReply)
    #expect(reply.comparison == ShadowComparison(liveModelVersion: live.version, overlapAt10: 1))
    let liveReply = answered.reply(to: 0, Self.catalog, now: now)
    #expect(reply.recommendations == liveReply.recommendations)
    #expect(reply.features == liveReply.features && reply.history == nil)
    // Who names a model is answered by that one alone.
    let none = answered.reply(to: 1, by: same, Self.catalog, now: now)
    #expect(none == nil)
  }
}
