import Recommender
import Testing

@Suite struct RequestTests {
  @Test(arguments: [
    (#"{"user_id":100}"#, 100, 10), (#"{"user_id":0,"num_recommendations":1,"x":[]}"#, 0, 1),
    (#"{"num_recommendations":100,"user_id":9223372036854775807}"#, Int64.max, 100),
    (#"{"user_id":7.0,"num_recommendations":null}"#, 7, 10),
  ])
  func reads(_ text: String, _ user: Int64, _ count: Int) throws {
    #expect(try parse(Array(text.utf8)) == RecommendationRequest(user: user, count: count))
  }

  @Test(
    arguments: [
      ("", "invalid_json", nil), ("[]", "invalid_json", nil), ("{", "invalid_json", nil),
      ("{}", "missing_user_id", nil), (#"{"user_id":null}"#, "missing_user_id", nil),
      (#"{"user_id":"7"}"#, "invalid_user_id", nil), (#"{"user_id":-1}"#, "invalid_user_id", nil),
      (#"{"user_id":7.5}"#, "invalid_user_id", nil),
      (#"{"user_id":9223372036854775808}"#, "invalid_user_id", nil),
      (#"{"user_id":1e999}"#, "invalid_user_id", nil),
      (#"{"user_id":1,"user_id":2}"#, "invalid_user_id", nil),
      (#"{"user_id":7,"num_recommendations":0}"#, "invalid_num_recommendations", 7),
      (#"{"user_id":7,"num_recommendations":101}"#, "invalid_num_recommendations", 7),
      (#"{"user_id":7,"num_recommendations":"5"}"#, "invalid_num_recommendations", 7),
      (#"{"user_id":7,"num_recommendations":1e30}"#, "invalid_num_recommendations", 7),
    ] as [(String, String, Int64?)])
  func refuses(_ text: String, _ code: String, _ user: Int64?) {
    let error = #expect(throws: RequestError.self) { _ = try parse(Array(text.utf8)) }
    #expect(error?.code == code && error?.user == user)
  }

  @Test func refusesNull() {
    let error = #expect(throws: RequestError.self) { _ = try parse(nil) }
    #expect(error?.code == "invalid_json")
  }

  private func parse(_ value: [UInt8]?) throws(RequestError) -> RecommendationRequest {
    var parser = RequestParser()
    guard let value else { return try parser.parse(nil) }
    return try parser.parse(value.span.bytes)
  }
}

@Suite struct ReplyTests {
  @Test func writesReplies() {
    let reply = RecommendationReply(
      user: 100,
      recommendations: [
        Recommendation(movie: 1, title: "Toy \"Story\"", genres: "A|B", score: 4)
      ],
      strategy: .popular, modelVersion: nil, stateOffset: 12, latencyMilliseconds: 0.25)
    #expect(
      written(reply.write)
        == #"{"user_id":100,"recommendations":[{"movie_id":1,"title":"Toy \"Story\"","#
        + #""genres":"A|B","score":4.0}],"count":1,"strategy":"popular","model_version":null,"#
        + #""state_offset":12,"latency_ms":0.25}"#)
  }

  @Test func writesErrors() {
    let error = RequestError(code: "invalid_json", message: "no", user: nil)
    #expect(
      written(error.write) == #"{"error":{"code":"invalid_json","message":"no"},"user_id":null}"#)
    let other = RequestError(code: "x", message: "y", user: 5)
    #expect(written(other.write) == #"{"error":{"code":"x","message":"y"},"user_id":5}"#)
  }
}

@Suite struct RankingTests {
  @Test func ranksByQualityThenMovie() {
    let ranking = PopularityRanking([
      .init(movie: 3, quality: 4), .init(movie: 2, quality: 4.5), .init(movie: 1, quality: 4),
    ])
    #expect(ranking.entries.map(\.movie) == [2, 1, 3])
    #expect(ranking.top(2).map(\.movie) == [2, 1])
    #expect(ranking.top(2) { $0 == 2 }.map(\.movie) == [1, 3])
    #expect(ranking.top(9).count == 3)
    #expect(ranking.top(0).isEmpty)
  }
}

@Suite struct MovieRecordTests {
  @Test(arguments: [
    (#"{"movie_id":1,"title":"T","genres":"A|B"}"#, "A|B", #"["A","B"]"#),
    (#"{"movie_id":1,"title":"T","genres":["A","B"]}"#, "A|B", #"["A","B"]"#),
    (#"{"movie_id":1,"title":"T","genres":"(no genres listed)"}"#, "(no genres listed)", "[]"),
    (#"{"movie_id":1.0,"title":"T","genres":""}"#, "", "[]"),
    (#"{"movie_id":1,"title":"T"}"#, "", "[]"),
  ])
  func reads(_ text: String, _ genres: String, _ genresJSON: String) throws {
    var parser = MovieRecordParser()
    let movie = try parser.parse(Array(text.utf8).span.bytes)
    #expect(movie.movie == 1 && movie.title == "T" && movie.genres == genres)
    #expect(String(decoding: movie.genresJSON, as: UTF8.self) == genresJSON)
    let again = try parser.parse(Array(written(movie.write).utf8).span.bytes)
    #expect(again == movie)
  }

  @Test(arguments: [
    "{}", #"{"movie_id":"1","title":"T"}"#, #"{"movie_id":-1,"title":"T"}"#, #"{"movie_id":1}"#,
    #"{"movie_id":1,"title":"T","genres":[1]}"#, #"{"movie_id":1,"title":"T","genres":5}"#,
  ])
  func refuses(_ text: String) {
    let bytes = Array(text.utf8)
    #expect(throws: RecordError.self) {
      var parser = MovieRecordParser()
      _ = try parser.parse(bytes.span.bytes)
    }
  }
}
