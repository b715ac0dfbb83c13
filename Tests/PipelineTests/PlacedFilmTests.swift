import EventLog
import Simulation
import Testing

@testable import Pipeline
@testable import Recommender

/// Films of the catalog that the model that serves lacks.
@Suite struct PlacedFilmTests {
  private let bed = ServingBed(partitions: 2)
  private static let movies = Array(Int64(1)...30)
  private static let names = ["Drama", "War", "Comedy", "Drama|War", "Comedy|Crime"]

  private static func genres(_ movie: Int64) -> String { names[Int(movie) % names.count] }

  /// A model of thirty films, twenty of which the catalog knows, and what users say of them.
  private func begin() throws -> String {
    for movie in Self.movies.prefix(20) {
      try bed.chain.addMovie(movie, genres: Self.genres(movie))
    }
    for movie in Self.movies.prefix(12) {
      try bed.chain.rate(1, movie, Double(1 + movie % 5), at: ServingBed.start + movie)
    }
    return try bed.publish(ServingBed.model(movies: Self.movies))
  }

  private func answer(_ user: Int64, _ fields: String = "", genres: String? = nil) throws
    -> ReplyRecord
  {
    try bed.chain.runAll()
    let partition = TopicPartition(Topics.recommendations, bed.chain.home(user))
    let before = try bed.chain.log.records(of: partition).count
    try bed.ask(user, (genres.map { #","genres":"\#($0)""# } ?? "") + fields)
    try bed.chain.runPredict()
    let replies = try bed.chain.log.records(of: partition)
    #expect(replies.count == before + 1)
    return try ReplyRecord(try #require(replies.last))
  }

  private func movies(_ reply: ReplyRecord) -> [Int64] {
    (reply.recommendations ?? []).map(\.movieId)
  }

  private func explain(_ reply: ReplyRecord) throws -> Explanation {
    let prediction = try ExplainTests.prediction(reply)
    return try Explainer(bed.chain.log, topology: Chain.topology, clientID: "explain")
      .explain(prediction, partition: bed.chain.home(prediction.request.user))
  }

  @Test func aNewFilmIsFoundByItsGenre() throws {
    let version = try begin()
    let before = try answer(1, genres: "Crime")
    try bed.chain.addMovie(100, genres: "Crime")
    try bed.chain.addMovie(101, genres: "Comedy|Crime")
    try bed.chain.addMovie(102, genres: "Drama")
    let after = try answer(1, genres: "Crime")
    // Those with evidence come first, whatever the others score.
    #expect(movies(after).prefix(movies(before).count) == movies(before)[...])
    #expect(Set(movies(after)) == Set(movies(before) + [100, 101]))
    let all = try answer(1, #","num_recommendations":100"#)
    #expect(Set(movies(all)) == Set(13...30).union(100...102))
    #expect(Set(movies(all).prefix(18)) == Set(13...30))
    #expect(all.reason == "no_more_movies" && all.modelVersion == version)
    for reply in [before, after, all] {
      let explanation = try explain(reply)
      #expect(explanation.verdict == .identical)
      for movie in movies(reply) {
        let parts = try #require(explanation.contributions[movie])
        #expect(parts.count == 12 && explanation.priors[movie] != nil)
      }
    }
  }

  @Test func aRatingOfANewFilmCounts() throws {
    try _ = begin()
    try bed.chain.addMovie(100, genres: "War")
    try bed.chain.addMovie(101, genres: "(no genres listed)")
    try bed.chain.addMovie(102, genres: "Western")
    for movie in Int64(101)...103 { try bed.chain.rate(2, movie, 5, at: ServingBed.start) }
    // Unknown genres, genres like no film's, and no record at all.
    let popular = try answer(2)
    #expect(popular.strategy == "popular" && popular.reason == "no_known_movies")
    #expect(popular.catalogOffsets == nil)
    try bed.chain.rate(2, 100, 5, at: ServingBed.start + 1)
    let personal = try answer(2)
    #expect(personal.strategy == "personal" && personal.features?.knownRatingCount == 1)
    #expect(movies(personal).count == 10 && !movies(personal).contains(100))
    let before = movies(try answer(1))
    try bed.chain.rate(1, 100, 0.5, at: ServingBed.start + 100)
    let after = try answer(1)
    #expect(after.features?.knownRatingCount == 13)
    #expect(try explain(after).verdict == .identical)
    let explanation = try explain(personal)
    #expect(explanation.verdict == .identical && explanation.known == 1)
    let parts = try #require(explanation.contributions[movies(personal)[0]])
    #expect(parts.map(\.movie) == [100] && parts[0].value != 0 && before.count == 10)
  }

  /// An answer is explained by the catalog that it knew.
  @Test func whatTheCatalogLearnsLaterDoesNotMatter() throws {
    try _ = begin()
    try bed.chain.addMovie(100, genres: "War")
    try bed.chain.rate(1, 100, 5, at: ServingBed.start + 50)
    let replies = [
      try answer(1), try answer(1, #","num_recommendations":100"#), try answer(1, genres: "War"),
    ]
    let recorded = try #require(replies[0].catalogOffsets)
    #expect(recorded.reduce(0, +) == 21)
    try bed.chain.addMovie(101, genres: "Crime")
    try bed.chain.addMovie(100, genres: "Comedy")
    for movie in Self.movies { try bed.chain.addMovie(movie, genres: "Drama|Crime") }
    for reply in replies { #expect(try explain(reply).verdict == .identical) }
    let later = try answer(1, #","num_recommendations":100"#)
    #expect(movies(later).contains(101) && later.recommendations != replies[1].recommendations)
    #expect(try explain(later).verdict == .identical)
    // Replies of earlier versions placed no films.
    var old = try ExplainTests.prediction(replies[1])
    old.catalogOffsets = nil
    let explanation = try Explainer(
      bed.chain.log, topology: Chain.topology, clientID: "explain"
    ).explain(old, partition: bed.chain.home(1))
    #expect(explanation.known == 12 && !explanation.recomputed.contains { $0.movie == 100 })
  }

  @Test func aFilmThatIsTakenOutIsNotRecommended() throws {
    try _ = begin()
    try bed.chain.addMovie(100, genres: "War")
    #expect(movies(try answer(1, #","num_recommendations":100"#)).contains(100))
    try bed.chain.log.append(
      to: TopicPartition(Topics.movies, 0), key: Array("100".utf8), value: nil)
    let reply = try answer(1, #","num_recommendations":100"#)
    #expect(!movies(reply).contains(100))
    #expect(try explain(reply).verdict == .identical)
  }
}
