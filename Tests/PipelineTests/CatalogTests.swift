import EventLog
import Simulation
import Testing

@testable import Pipeline
@testable import Recommender

/// A movie that the catalog does not have, or has no more, is not recommended.
@Suite struct CatalogTests {
  private let bed = ServingBed()
  private let serving = Chain.Serving(requiresCatalog: true)
  private static let movies = Array(Int64(1)...20)

  private func rate() throws {
    for movie in Self.movies {
      try bed.chain.rate(1, movie, Double(1 + movie % 5), at: ServingBed.start + movie)
    }
    try bed.chain.rate(2, 20, 4, at: ServingBed.start)
    try bed.chain.runAll()
  }

  private func fill(_ movies: ClosedRange<Int64>) throws {
    for movie in movies { try bed.chain.addMovie(movie, title: "M", genres: "Drama") }
  }

  private func remove(_ movie: Int64) throws {
    try bed.chain.log.append(
      to: TopicPartition(Topics.movies, 0), key: Array("\(movie)".utf8), value: nil)
  }

  private func list(_ user: Int64, _ serving: Chain.Serving) throws -> [Int64] {
    let reply = try bed.answer(user, #","num_recommendations":30"#, serving)
    return (reply.recommendations ?? []).map(\.movieId).sorted()
  }

  @Test func removedMoviesLeaveAllLists() throws {
    try fill(1...18)
    try rate()
    try bed.publish(ServingBed.model(movies: Self.movies))
    // User 2 has a personal list, user 9 a popular one.
    #expect(try list(2, serving) == Array(1...18))
    #expect(try list(9, serving) == Array(1...18))
    try remove(7)
    #expect(try list(2, serving) == Array(1...18).filter { $0 != 7 })
    #expect(try list(9, serving) == Array(1...18).filter { $0 != 7 })
    try fill(19...19)
    #expect(try list(2, serving) == Array(1...19).filter { $0 != 7 })
    #expect(try list(2, Chain.Serving()) == Array(1...19))
    #expect(try list(9, Chain.Serving()) == Array(1...20))
  }

  @Test func anEmptyCatalogSaysNothing() throws {
    try rate()
    try bed.publish(ServingBed.model(movies: Self.movies))
    #expect(try list(2, serving) == Array(1...19))
    #expect(try list(9, serving) == Array(1...20))
    try fill(3...3)
    #expect(try list(2, serving) == [3])
    try remove(3)
    #expect(try list(9, serving) == Array(1...20))
  }

  @Test func aPredictionIsExplainedAlthoughItsMovieIsGone() throws {
    try fill(1...18)
    try rate()
    let version = try bed.publish(ServingBed.model(movies: Self.movies))
    let reply = try bed.answer(2, #","num_recommendations":5"#, serving)
    let movies = try #require(reply.recommendations).map {
      ScoredMovie(movie: $0.movieId, score: $0.score)
    }
    let prediction = RecordedPrediction(
      request: RecommendationRequest(user: 2, count: 5), strategy: .personal,
      modelVersion: version, stateOffset: try #require(reply.stateOffset),
      moment: reply.requestTimeMs, movies: movies)
    try remove(movies[0].movie)
    let explanation = try Explainer(
      bed.chain.log, topology: Chain.topology, clientID: "explain", requiresCatalog: true
    ).explain(prediction, partition: 0)
    #expect(explanation.verdict == .identical)
  }
}
