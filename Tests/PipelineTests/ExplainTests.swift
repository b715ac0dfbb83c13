import EventLog
import Ratings
import Simulation
import Testing

@testable import Pipeline
@testable import Recommender

/// Predictions computed again from the log they were made from.
@Suite struct ExplainTests {
  private let bed = ServingBed(partitions: 2)
  private static let movies = Array(Int64(1)...60)

  private func rate(_ seed: UInt64) throws {
    var generator = SeededGenerator(seed: seed)
    for index in 0..<300 {
      let user = Int64.random(in: 1...12, using: &generator)
      let movie = Int64.random(in: 1...70, using: &generator)
      let stars = Double(Int.random(in: 1...10, using: &generator)) / 2
      let isTakenBack = Int.random(in: 0..<8, using: &generator) == 0
      try bed.chain.rate(
        user, movie, isTakenBack ? nil : stars,
        at: ServingBed.start + Int64(seed) * 1000 + Int64(index),
        partition: Int32(index % 2))
    }
    try bed.chain.runAll()
  }

  private func predict(_ fields: String = "") throws -> [RecordedPrediction] {
    let before = try repliesByPartition()
    for user in Int64(1)...12 { try bed.ask(user, fields) }
    try bed.chain.runPredict()
    let new = zip(before, try repliesByPartition()).flatMap { $1.dropFirst($0.count) }
    #expect(new.count == 12)
    return try new.map(Self.prediction)
  }

  private func repliesByPartition() throws -> [[ReplyRecord]] {
    try (Int32(0)..<2).map { partition in
      try bed.chain.log.records(of: TopicPartition(Topics.recommendations, partition))
        .map { try ReplyRecord($0) }
    }
  }

  static func prediction(_ reply: ReplyRecord) throws -> RecordedPrediction {
    let request = try #require(reply.request)
    return RecordedPrediction(
      request: RecommendationRequest(
        user: try #require(reply.userId), count: request.numRecommendations,
        excludesRated: request.excludeRated, genres: request.genres),
      strategy: try #require(reply.strategy.flatMap(RecommendationStrategy.init)),
      modelVersion: reply.modelVersion, stateOffset: try #require(reply.stateOffset),
      moment: reply.requestTimeMs, diversity: GenreDiversity(percent: reply.diversity ?? 0),
      catalogOffsets: reply.catalogOffsets,
      movies: try #require(reply.recommendations).map {
        ScoredMovie(movie: $0.movieId, score: $0.score)
      })
  }

  private func explain(_ prediction: RecordedPrediction) throws -> Explanation {
    try Explainer(bed.chain.log, topology: Chain.topology, clientID: "explain")
      .explain(prediction, partition: bed.chain.home(prediction.request.user))
  }

  @Test func whatWasPredictedIsComputedAgain() throws {
    try bed.chain.addMovie(5, genres: "Drama")
    try rate(1)
    try bed.publish(ServingBed.model(movies: Self.movies, factors: 24))
    let predictions =
      try predict() + predict(#","exclude_rated":false,"num_recommendations":70"#)
      + predict(#","genres":"Drama""#)
    // What comes later does not matter, another model included.
    try rate(2)
    try bed.publish(ServingBed.model(movies: Self.movies, factors: 8, seed: 9))
    for prediction in predictions {
      let explanation = try explain(prediction)
      #expect(explanation.verdict == .identical)
      #expect(explanation.recomputed == prediction.movies)
      for movie in prediction.movies {
        let parts = try #require(explanation.contributions[movie.movie])
        #expect(parts.count == explanation.known)
        let prior = try #require(explanation.priors[movie.movie])
        let sum = parts.reduce(prior) { $0 + $1.value }
        #expect((sum - movie.score).magnitude < 1e-3)
        #expect(zip(parts, parts.dropFirst()).allSatisfy { $0.value >= $1.value })
      }
    }
  }

  /// The reply says when it was asked for; a year later the last sitting counts for nothing.
  @Test func theTimeOfTheRequestIsRepeated() throws {
    try rate(1)
    try bed.publish(ServingBed.model(movies: Self.movies))
    let year = (ServingBed.start + 365 * 86_400) * 1000
    let now = try predict()
    for user in Int64(1)...12 { try bed.ask(user, timestamp: year) }
    try bed.chain.runPredict()
    let later = try repliesByPartition().joined().filter { $0.requestTimeMs == year }
      .map(Self.prediction)
    #expect(later.count == 12)
    for prediction in later {
      #expect(try explain(prediction).verdict == .identical)
      let earlier = now.first { $0.request.user == prediction.request.user }
      #expect(earlier?.movies != prediction.movies)
      var other = prediction
      other.moment = year - 30 * 86_400_000
      #expect(try explain(other).verdict == .different)
    }
  }

  @Test func repeatedEventsCountOnce() throws {
    try rate(1)
    // An intake without transactions sends again, after a crash, what it had sent.
    for partition in Int32(0)..<2 {
      let validated = TopicPartition(Topics.validatedRatings, partition)
      for record in try bed.chain.log.records(of: validated).suffix(60) {
        try bed.chain.log.append(
          to: validated, key: record.key, value: record.value, timestamp: record.timestamp)
      }
      try bed.chain.log.append(to: validated, key: nil, value: Array("{".utf8))
    }
    try rate(3)
    try bed.publish(ServingBed.model(movies: Self.movies))
    for prediction in try predict() {
      #expect(try explain(prediction).verdict == .identical)
    }
  }

  @Test func differencesAreFound() throws {
    try rate(1)
    try bed.publish(ServingBed.model(movies: Self.movies))
    let prediction = try predict()[0]
    var nudged = prediction
    nudged.movies[3].score = nudged.movies[3].score.nextUp
    #expect(try explain(nudged).verdict == .rounding)
    var moved = prediction
    moved.movies[3].score *= 1.01
    #expect(try explain(moved).verdict == .different)
    var swapped = prediction
    swapped.movies.swapAt(0, 1)
    #expect(try explain(swapped).verdict == .different)
    var earlier = prediction
    earlier.stateOffset -= 20
    #expect(try explain(earlier).verdict == .different)
    var shorter = prediction
    shorter.movies.removeLast()
    #expect(try explain(shorter).verdict == .different)
  }

  @Test func popularAnswersAreNotComputedAgain() throws {
    try rate(1)
    let prediction = try predict()[0]
    #expect(prediction.strategy == .popular)
    let explanation = try explain(prediction)
    #expect(explanation.verdict == .notRecomputable && !explanation.ratings.isEmpty)
  }

  @Test func whatIsGoneIsNamed() throws {
    try rate(1)
    let version = try bed.publish(ServingBed.model(movies: Self.movies))
    let prediction = try predict()[0]
    let home = TopicPartition(
      Topics.validatedRatings, bed.chain.home(prediction.request.user))
    var late = prediction
    late.stateOffset = try bed.chain.log.offsets(of: home).upperBound + 5
    let end = try bed.chain.log.lastStableOffset(of: home)
    #expect(throws: ExplanationError.logEnds(home, end, stateOffset: late.stateOffset)) {
      try explain(late)
    }
    try bed.chain.log.truncate(home, before: 7)
    #expect(throws: ExplanationError.logBegins(home, 7)) { try explain(prediction) }
    try bed.append(.metadata(version: version), nil)
    #expect(throws: ExplanationError.noModel(version, topic: Topics.models)) {
      try explain(prediction)
    }
  }
}

/// Predictions by models that were deleted.
@Suite struct RetrainingTests {
  private let chain = Chain(partitions: 2)

  private func ends() throws -> [Int64] {
    try (Int32(0)..<2).map { partition in
      try chain.log.lastStableOffset(of: TopicPartition(Topics.validatedRatings, partition))
    }
  }

  private func train(to ends: [Int64]) throws -> PublishedModel {
    let reader = try RatingLogReader(
      chain.log, topology: Chain.topology, ends: ends, clientID: "test")
    while try reader.read() {}
    let ratings = try reader.finish()
    var parameters = ModelParameters()
    parameters.factors = 4
    parameters.epochs = 3
    var trainer = Trainer(ratings, parameters: parameters, threads: 2)
    let losses = (0..<3).map { _ in trainer.runEpoch() }
    var fit = try trainer.finish()
    return PublishedModel(
      metadata: ModelMetadata(training: ratings, fit, parameters, losses: losses, trainedTo: ends),
      contents: fit.contents(parameters))
  }

  @Test func aDeletedModelIsTrainedAgain() throws {
    var generator = Simulation.SeededGenerator(seed: 3)
    func rate(_ count: Int, _ start: Int64) throws {
      for index in 0..<count {
        try chain.rate(
          Int64.random(in: 1...30, using: &generator), Int64.random(in: 1...40, using: &generator),
          Double(Int.random(in: 1...10, using: &generator)) / 2, at: start + Int64(index))
      }
      try chain.runAll()
    }
    try rate(400, ServingBed.start)
    let model = try train(to: try ends())
    let version = model.model.version
    let decision = ModelDecision(
      chain.log, topology: Chain.topology, clientID: "test", transactionalID: "models")
    try decision { catalog in
      ([.publish(model)] + catalog.promote(version, reason: "", at: 0).changes, ())
    }
    let bed = ServingBed(chain: chain)
    let reply = try bed.answer(7)
    #expect(reply.modelVersion == version)
    // What comes later does not matter.
    try rate(100, ServingBed.start + 10_000)
    try decision { catalog in (try #require(catalog.delete(version)), ()) }
    try chain.log.compact(TopicPartition(Topics.models, 0), keepsTombstones: false)
    let prediction = RecordedPrediction(
      request: RecommendationRequest(user: 7), strategy: .personal, modelVersion: version,
      stateOffset: try #require(reply.stateOffset), moment: reply.requestTimeMs,
      movies: try #require(reply.recommendations).map {
        ScoredMovie(movie: $0.movieId, score: $0.score)
      })
    var shares: [Double] = []
    let explanation = try Explainer(chain.log, topology: Chain.topology, clientID: "explain")
      .explain(prediction, partition: chain.home(7), training: { shares.append($0) })
    #expect(explanation.verdict == .identical && explanation.modelIsTrainedAgain)
    #expect(shares == shares.sorted() && shares.last == 1)
    // A log that no longer has the ratings.
    let first = TopicPartition(Topics.validatedRatings, 0)
    try chain.log.truncate(first, before: 2)
    #expect(throws: ExplanationError.logBegins(first, 2)) {
      try Explainer(chain.log, topology: Chain.topology, clientID: "explain")
        .explain(prediction, partition: chain.home(7))
    }
  }
}

/// Histories by the rules of the version that made the prediction.
@Suite struct UserHistoryTests {
  private func history(by rules: FoldRules) throws -> [MovieRating] {
    let chain = Chain()
    try chain.rate(1, 7, 5, at: 1_700_000_100)
    try chain.rate(1, 7, 1, at: 1_700_000_000)
    try chain.rate(1, 8, nil, at: 1_700_000_100)
    try chain.rate(1, 8, 2, at: 1_700_000_000)
    try chain.runIntake()
    var history = UserHistory(user: 1, by: rules)
    let reader = try PartitionReader(
      chain.log, ConsumerConfiguration(topics: [Topics.validatedRatings], group: nil, clientID: "t")
    )
    try Self.read(reader, into: &history)
    return history.ratings
  }

  private static func read(
    _ reader: consuming PartitionReader<MemoryConsumer>, into history: inout UserHistory
  ) throws {
    let source = TopicPartition(Topics.validatedRatings, 0)
    try reader.begin([
      PartitionCursor(source, from: .at(0), to: try reader.consumer.offsets(of: source).upperBound)
    ])
    try reader.readToEnd { _, record in
      history.take(record)
      return true
    }
  }

  @Test func theNewestStandsNow() throws {
    let ratings = try history(by: .byEventTime)
    #expect(ratings.map(\.movie) == [7] && ratings.map(\.rating.rating.stars) == [5])
  }

  @Test func whatArrivedLastStoodBefore() throws {
    let ratings = try history(by: .byArrival)
    #expect(ratings.map(\.movie) == [7, 8] && ratings.map(\.rating.rating.stars) == [1, 2])
  }
}
