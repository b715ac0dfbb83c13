import EventLog
import Simulation
import Testing

@testable import Pipeline
@testable import Ratings
@testable import Recommender

/// Personal recommendations, on small models of made-up factors.
@Suite struct PersonalPredictTests {
  private let bed = ServingBed()
  private static let movies = Array(Int64(1)...60)

  /// Users 1 to 20 with up to 30 ratings each, and the ratings that count.
  private func rate() throws -> [Int64: [MovieRating]] {
    var generator = SeededGenerator(seed: 5)
    var ratings: [Int64: [Int64: TimedRating]] = [:]
    for user in Int64(1)...20 {
      for index in 0..<Int(user) * 3 / 2 {
        let movie = Int64.random(in: 1...70, using: &generator)
        let stars = Double(Int.random(in: 1...10, using: &generator)) / 2
        let time = ServingBed.start + Int64(index)
        try bed.chain.rate(user, movie, stars, at: time)
        ratings[user, default: [:]][movie] = TimedRating(
          rating: try #require(HalfStars(stars: stars)), timeMilliseconds: time * 1000)
      }
    }
    for movie in Int64(1)...50 {
      try bed.chain.addMovie(movie, title: "M\(movie)", genres: movie % 2 == 0 ? "Drama" : "War")
    }
    try bed.chain.runAll()
    return ratings.mapValues { movies in
      movies.map { MovieRating(movie: $0.key, rating: $0.value) }.sorted { $0.movie < $1.movie }
    }
  }

  private func expect(
    _ reply: ReplyRecord?, equals expected: [ScoredMovie],
    sourceLocation: SourceLocation = #_sourceLocation
  ) throws {
    let list = try #require(reply?.recommendations, sourceLocation: sourceLocation)
    #expect(list.map(\.movieId) == expected.map(\.movie), sourceLocation: sourceLocation)
    for (got, wanted) in zip(list, expected) {
      // Vectors in single precision against an oracle in double.
      #expect((got.score - wanted.score).magnitude < 1e-4, sourceLocation: sourceLocation)
    }
  }

  // MARK: Lists

  @Test(arguments: [(4, 0.0), (4, 3.0), (13, 3.0)])
  func listsAreThoseOfTheOracle(_ factors: Int, _ halfLife: Double) throws {
    let ratings = try rate()
    let model = ServingBed.model(movies: Self.movies, factors: factors, halfLife: halfLife)
    let version = try bed.publish(model)
    for user in Int64(1)...20 { try bed.ask(user, #","num_recommendations":\#(user)"#) }
    try bed.chain.runPredict()
    let replies = try bed.replies()
    #expect(replies.count == 20)
    for reply in replies {
      let user = try #require(reply.userId)
      let rated = ratings[user] ?? []
      try expect(reply, equals: ServingBed.oracle(model.model, rated, count: Int(user)))
      #expect(reply.strategy == "personal" && reply.reason == nil)
      #expect(reply.modelVersion == version)
      #expect(reply.features?.ratingCount == rated.count)
      #expect(reply.features?.knownRatingCount == rated.count { $0.movie <= 60 })
    }
  }

  @Test func aListDoesNotDependOnItsBatch() throws {
    _ = try rate()
    try bed.publish(ServingBed.model(movies: Self.movies, factors: 24))
    for user in Int64(1)...20 { try bed.ask(user, #","num_recommendations":50"#) }
    try bed.chain.runPredict()
    let together = Dictionary(
      uniqueKeysWithValues: try bed.replies().map { ($0.userId, $0.recommendations) })
    for user in Int64(1)...20 {
      let alone = try bed.answer(user, #","num_recommendations":50"#)
      #expect(alone.recommendations == together[user])
    }
  }

  @Test func equalScoresGoByMovie() throws {
    _ = try rate()
    // All movies have the same vector: their scores are equal to the bit.
    let one = ServingBed.model(movies: [1], factors: 9).model
    let movies = Self.movies.map { $0 + 100 }
    var metadata = one.metadata
    metadata.movies = movies.count
    try bed.publish(
      PublishedModel(
        metadata: metadata,
        contents: FactorModel.Contents(
          movies: movies, factors: movies.flatMap { _ in one.factors },
          scales: movies.map { _ in 1 }, prior: one.factors,
          neighbours: Neighbours(rows: movies.count))))
    try bed.chain.rate(300, 160, 4, at: ServingBed.start)
    try bed.chain.runAll()
    let reply = try bed.answer(300)
    #expect(reply.recommendations?.map(\.movieId) == Array(101...110))
  }

  @Test func ratedMoviesAndGenresAreFiltered() throws {
    let ratings = try rate()
    let model = ServingBed.model(movies: Self.movies)
    try bed.publish(model)
    let all = ServingBed.oracle(model.model, ratings[15] ?? [], count: 60, excludesRated: false)
    let withRated = try bed.answer(15, #","exclude_rated":false,"num_recommendations":60"#)
    try expect(withRated, equals: all)

    let drama = ServingBed.oracle(model.model, ratings[15] ?? [], count: 60)
      .filter { $0.movie % 2 == 0 && $0.movie <= 50 }
    let filtered = try bed.answer(15, #","genres":["DRAMA"],"num_recommendations":60"#)
    try expect(filtered, equals: drama)
    #expect(filtered.recommendations?.allSatisfy { $0.genres == "Drama" } == true)

    let none = try bed.answer(15, #","genres":"Western""#)
    #expect(none.recommendations == [] && none.count == 0)
    #expect(none.strategy == "personal" && none.reason == "no_matching_movies")
  }

  @Test func theCatalogIsFollowedAfterAFilterWasUsed() throws {
    _ = try rate()
    try bed.publish(ServingBed.model(movies: Self.movies))
    #expect(try bed.answer(15, #","genres":"Noir""#).recommendations == [])
    let chain = bed.chain
    try bed.ask(15, #","genres":"Noir""#)
    try bed.chain.runPredict(
      Chain.Serving(),
      Chain.Run(onIdle: { count in
        guard count == 5 else { return }
        #expect(throws: Never.self) {
          try chain.addMovie(55, title: "New", genres: "Noir")
          try ServingBed(chain: chain).ask(15, #","genres":"Noir""#)
        }
      }))
    #expect(try bed.replies().last?.recommendations?.map(\.title) == ["New"])
  }

  @Test func aMovieNotInTheCatalogIsRecommendedWithoutATitle() throws {
    let ratings = try rate()
    let model = ServingBed.model(movies: Self.movies)
    try bed.publish(model)
    let reply = try bed.answer(10, #","num_recommendations":60"#)
    let unknown = try #require(reply.recommendations?.filter { $0.movieId > 50 })
    #expect(!unknown.isEmpty && unknown.allSatisfy { $0.title.isEmpty && $0.genres.isEmpty })
    try expect(reply, equals: ServingBed.oracle(model.model, ratings[10] ?? [], count: 60))
  }

  @Test func historyIsTheTenBestRated() throws {
    let ratings = try rate()
    try bed.publish(ServingBed.model(movies: Self.movies))
    let reply = try bed.answer(20, #","include_history":true"#)
    let expected = try #require(ratings[20]).sorted {
      ($1.rating.rating.rawValue, $1.rating.timeMilliseconds)
        < ($0.rating.rating.rawValue, $0.rating.timeMilliseconds)
    }.prefix(10)
    #expect(reply.history?.map(\.movieId) == expected.map(\.movie))
    #expect(reply.history?.map(\.rating) == expected.map(\.rating.rating.stars))
    #expect(reply.history?.map(\.timestampMs) == expected.map(\.rating.timeMilliseconds))
  }

  // MARK: When it can't be personal

  @Test func whatIsNotPersonalSaysWhy() throws {
    _ = try rate()
    // Ratings of movies that no model knows.
    try bed.chain.rate(100, 65, 4, at: ServingBed.start)
    try bed.chain.runAll()
    let before = try bed.answer(10)
    #expect(before.strategy == "popular" && before.reason == "no_model")
    #expect(before.modelVersion == nil && before.features?.knownRatingCount == 0)

    try bed.publish(ServingBed.model(movies: Self.movies))
    let withoutRatings = try bed.answer(1_000)
    #expect(withoutRatings.strategy == "popular" && withoutRatings.reason == "no_ratings")
    #expect(withoutRatings.recommendations?.isEmpty == false)
    #expect(withoutRatings.modelVersion == nil)
    let unknown = try bed.answer(100)
    #expect(unknown.strategy == "popular" && unknown.reason == "no_known_movies")
    #expect(unknown.recommendations?.contains { $0.movieId == 65 } == false)
    #expect(unknown.features?.ratingCount == 1)
    #expect(try bed.answer(10).strategy == "personal")
  }

  @Test func aRatingShowsInTheNextAnswer() throws {
    let ratings = try rate()
    let model = ServingBed.model(movies: Self.movies)
    try bed.publish(model)
    let first = try bed.answer(12)
    let best = try #require(first.recommendations?.first?.movieId)
    try bed.chain.rate(12, best, 5, at: ServingBed.start + 100)
    try bed.chain.runAll()
    let five = try #require(HalfStars(stars: 5))
    let now =
      ((ratings[12] ?? []) + [
        MovieRating(
          movie: best,
          rating: TimedRating(rating: five, timeMilliseconds: (ServingBed.start + 100) * 1000))
      ]).sorted { $0.movie < $1.movie }
    let second = try bed.answer(12)
    try expect(second, equals: ServingBed.oracle(model.model, now, count: 10))
    #expect(second.stateOffset ?? 0 > first.stateOffset ?? 0)
  }
}
