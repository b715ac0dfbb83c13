import Codecs
import Ratings
import Recommender
import TestSupport
import Testing

@Suite struct RequestTests {
  @Test(arguments: [
    (#"{"user_id":100}"#, 100, 10), (#"{"user_id":0,"num_recommendations":1,"x":[]}"#, 0, 1),
    (#"{"num_recommendations":100,"user_id":9223372036854775807}"#, Int64.max, 100),
    (#"{"user_id":7.0,"num_recommendations":null}"#, 7, 10),
    (#"{"user_id":7,"exclude_rated":null,"genres":null,"include_history":null}"#, 7, 10),
    (#"{"user_id":7,"model_version":null,"as_of":null,"genres":[]}"#, 7, 10),
    (#"{"userId":7,"numRecommendations":5}"#, 7, 5), (#"{"USER_ID":7,"GENRES":null}"#, 7, 10),
    (#"{"UserID":"7","num-recommendations":"5"}"#, 7, 5), (#"{"user_id":"7.0"}"#, 7, 10),
    (#"{"user_id":7,"exclude_rated":"True","include_history":"false"}"#, 7, 10),
    ("\u{FEFF}{\"user_id\":7}\r\n", 7, 10), ("\0\0\0\0\u{7}{\"user_id\":7}", 7, 10),
  ])
  func reads(_ text: String, _ user: Int64, _ count: Int) throws {
    #expect(try parse(Array(text.utf8)) == RecommendationRequest(user: user, count: count))
  }

  @Test(arguments: [
    #"["A","B c"]"#, #""A|B c""#, #""A||B c|""#, #""A,B c""#, #"" A , B c,""#,
  ])
  func readsEverything(_ genres: String) throws {
    let text =
      #"{"user_id":7,"num_recommendations":3,"exclude_rated":false,"genres":\#(genres),"#
      + #""include_history":true,"model_version":"20250101-00"}"#
    let request = RecommendationRequest(
      user: 7, count: 3, excludesRated: false, genres: ["A", "B c"], includesHistory: true,
      modelVersion: "20250101-00")
    #expect(try parse(Array(text.utf8)) == request)
    // What a client writes is read as it was meant.
    #expect(try parse(Array(written(request.write).utf8)) == request)
  }

  @Test(
    arguments: [
      ("", "invalid_json", nil), ("[]", "invalid_json", nil), ("{", "invalid_json", nil),
      ("{}", "missing_user_id", nil), (#"{"user_id":null}"#, "missing_user_id", nil),
      (#"{"user_id":"7a"}"#, "invalid_user_id", nil),
      (#"{"user_id":"-7"}"#, "invalid_user_id", nil),
      (#"{"userId":1,"USER_ID":2}"#, "invalid_user_id", nil),
      (#"{"user_id":-1}"#, "invalid_user_id", nil),
      (#"{"user_id":7.5}"#, "invalid_user_id", nil),
      (#"{"user_id":9223372036854775808}"#, "invalid_user_id", nil),
      (#"{"user_id":1e999}"#, "invalid_user_id", nil),
      (#"{"user_id":1,"user_id":2}"#, "invalid_user_id", nil),
      (#"{"user_id":7,"num_recommendations":0}"#, "invalid_num_recommendations", 7),
      (#"{"user_id":7,"num_recommendations":101}"#, "invalid_num_recommendations", 7),
      (#"{"user_id":7,"num_recommendations":"five"}"#, "invalid_num_recommendations", 7),
      (#"{"user_id":7,"num_recommendations":1e30}"#, "invalid_num_recommendations", 7),
      (#"{"user_id":7,"exclude_rated":1}"#, "invalid_exclude_rated", 7),
      (#"{"user_id":7,"exclude_rated":true,"exclude_rated":true}"#, "invalid_exclude_rated", 7),
      (#"{"user_id":7,"include_history":"yes"}"#, "invalid_include_history", 7),
      (#"{"user_id":7,"genres":7}"#, "invalid_genres", 7),
      (#"{"user_id":7,"genres":""}"#, "invalid_genres", 7),
      (#"{"user_id":7,"genres":["A",null]}"#, "invalid_genres", 7),
      (#"{"user_id":7,"genres":["A",""]}"#, "invalid_genres", 7),
      (#"{"user_id":7,"genres":["A","|"]}"#, "invalid_genres", 7),
      (#"{"user_id":7,"genres":"A","genres":"B"}"#, "invalid_genres", 7),
      (#"{"user_id":7,"model_version":7}"#, "invalid_model_version", 7),
      (#"{"user_id":7,"model_version":""}"#, "invalid_model_version", 7),
      (#"{"user_id":7,"as_of":1700000000}"#, "as_of_unsupported", 7),
      (#"{"user_id":7,"as_of":"2024-01-01"}"#, "as_of_unsupported", 7),
    ] as [(String, String, Int64?)])
  func refuses(_ text: String, _ code: String, _ user: Int64?) {
    let error = #expect(throws: RequestError.self) { _ = try parse(Array(text.utf8)) }
    #expect(error?.code == code && error?.user == user)
  }

  @Test(arguments: [
    (#"{"user":7}"#, "call the field user user_id"), (#"{"usr_id":7}"#, "call the field usr_id"),
    (#"{"payload":{"user_id":7}}"#, "inside of payload"), (#"{"n":7}"#, "only n"),
    (#"{"user_id":null}"#, "it is null"), (#"{"user_id":{"a":1}}"#, #"not {"a":1}"#),
    (#"{"user_id":"seven"}"#, #"not the text "seven""#), (#"{"user_id":true}"#, "not true"),
    (#"{"user_id":7.5}"#, "not 7.5"), (#"{"user_id":1,"user_id":1}"#, "there twice"),
    (#"{"user_id":7,"num_recommendations":500}"#, "from 1 to 100, not 500"),
    (#""{\"user_id\":7}""#, "encoded twice"), (#"[{"user_id":7}]"#, "one object a record"),
    ("{'user_id':7}", "json.dumps"), (#"{"user_id":7"#, "cut off"),
  ])
  func errorsSayWhatIsThere(_ text: String, _ explanation: String) {
    let error = #expect(throws: RequestError.self) { _ = try parse(Array(text.utf8)) }
    #expect(error?.message.contains(explanation) == true, "\(error?.message ?? "")")
  }

  @Test func longValuesAreCut() {
    let text = #"{"user_id":"\#(String(repeating: "x", count: 5_000))"}"#
    let error = #expect(throws: RequestError.self) { _ = try parse(Array(text.utf8)) }
    #expect((error?.message.count ?? 0) < 250)
  }

  @Test(arguments: [64, 65, 300])
  func genresHaveALimit(_ count: Int) {
    let names = (0..<count).map { "g\($0)" }
    let array = #"{"user_id":7,"genres":["\#(names.joined(separator: "\",\""))"]}"#
    let text = #"{"user_id":7,"genres":"\#(names.joined(separator: "|"))"}"#
    let both = #"{"user_id":7,"genres":["\#(names.joined(separator: "|"))"]}"#
    for value in [array, text, both] {
      if count <= 64 {
        #expect(throws: Never.self) {
          let request = try parse(Array(value.utf8))
          #expect(request.genres == names)
        }
      } else {
        let error = #expect(throws: RequestError.self) { _ = try parse(Array(value.utf8)) }
        #expect(error?.code == "invalid_genres")
      }
    }
  }

  /// A byte order mark is accepted: it is not what is wrong.
  @Test(arguments: [
    ("\u{FEFF}{'user_id':7}", "the value has single quotes"),
    (#"{"user_id":7 "genres":[]}"#, "the value is text, but not JSON (The JSON document"),
  ])
  func saysWhatIsWrongWithTheValue(value: String, words: String) {
    let error = #expect(throws: RequestError.self) { _ = try parse(Array(value.utf8)) }
    #expect(error?.code == "invalid_json")
    #expect(error?.message.contains(words) == true, "\(error?.message ?? "")")
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
  @Test func writesReplies() throws {
    let four = try #require(HalfStars(stars: 4))
    var features = ReplyFeatures()
    features.ratingCount = 2
    features.ratingMean = 4.5
    features.favoriteGenre = "A"
    features.favoriteGenreCount = 1
    features.favoriteGenreMean = 4
    features.knownRatingCount = 1
    let reply = RecommendationReply(
      request: RecommendationRequest(user: 100, count: 3, excludesRated: false, genres: ["A"]),
      recommendations: [
        Recommendation(movie: 1, title: "Toy \"Story\"", genres: "A|B", score: 4)
      ],
      strategy: .personal, modelVersion: "m", features: features,
      history: [
        RatedMovie(
          movie: 2, title: "T", genres: "A",
          rating: TimedRating(rating: four, timeMilliseconds: 5))
      ], stateOffset: 12, moment: 7, latencyMilliseconds: 0.25)
    #expect(
      written(reply.write)
        == #"{"user_id":100,"recommendations":[{"movie_id":1,"title":"Toy \"Story\"","#
        + #""genres":"A|B","score":4.0}],"count":1,"strategy":"personal","score_type":"model","#
        + #""reason":null,"#
        + #""model_version":"m","state_offset":12,"request_time_ms":7,"state_rules":2,"#
        + #""features":{"rating_count":2,"#
        + #""rating_mean":4.5,"favorite_genre":"A","favorite_genre_count":1,"#
        + #""favorite_genre_mean":4.0,"known_rating_count":1},"#
        + #""history":[{"movie_id":2,"title":"T","genres":"A","rating":4.0,"timestamp_ms":5}],"#
        + #""request":{"num_recommendations":3,"exclude_rated":false,"genres":["A"]},"#
        + #""latency_ms":0.25}"#)
  }

  @Test func writesWhyAReplyIsPopular() {
    let reply = RecommendationReply(
      request: RecommendationRequest(user: 1), recommendations: [], strategy: .popular,
      reason: .noRatings, stateOffset: 0, moment: 7, latencyMilliseconds: 1)
    let text = written(reply.write)
    #expect(
      text.contains(
        #""strategy":"popular","score_type":"stars","reason":"no_ratings","model_version":null,"#))
    #expect(!text.contains("history") && !text.contains("overlap"))
  }

  @Test func aLatencyHasThreeDigits() {
    let reply = RecommendationReply(
      request: RecommendationRequest(user: 1), recommendations: [], strategy: .popular,
      reason: .noRatings, stateOffset: 0, moment: 7, latencyMilliseconds: 0.487_612_999)
    #expect(written(reply.write).hasSuffix(#""latency_ms":0.488}"#))
  }

  @Test func writesWhatAShadowIsHeldAgainst() {
    var reply = RecommendationReply(
      request: RecommendationRequest(user: 1), recommendations: [], strategy: .personal,
      modelVersion: "s", stateOffset: 0, moment: 7, latencyMilliseconds: 1)
    reply.comparison = ShadowComparison(liveModelVersion: "l", overlapAt10: 0.5)
    #expect(
      written(reply.write).contains(#""live_model_version":"l","overlap_at_10":0.5,"latency_ms""#))
  }

  @Test func overlapIsOfTheTenBest() {
    func overlap(_ live: [Int64], _ shadow: [Int64]) -> Double {
      ShadowComparison.overlap(live: live, shadow: shadow)
    }
    #expect(overlap(Array(1...12), Array(1...12)) == 1)
    // What is beyond the ten best does not count, on either side.
    #expect(overlap(Array(1...12), [11, 12] + Array(1...10)) == 0.8)
    #expect(overlap([1, 2, 3, 4], [4, 9]) == 0.25)
    #expect(overlap([], [1]) == 1)
    #expect(overlap([1], []) == 0)
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
    (#"{"movie_id":1,"title":"T","genres":"A, B"}"#, "A|B", #"["A","B"]"#),
    (#"{"movie_id":1,"title":"T","genres":"A; B, C"}"#, "A|B, C", #"["A","B, C"]"#),
    (#"{"movie_id":1,"title":"T","genres":" A | B,C |"}"#, "A|B,C", #"["A","B,C"]"#),
    (#"{"movie_id":1,"title":"T","genres":"(no genres listed)"}"#, "(no genres listed)", "[]"),
    (#"{"movie_id":1.0,"title":"T","genres":""}"#, "", "[]"),
    (#"{"movie_id":1,"title":"T"}"#, "", "[]"),
    (#"{"MOVIE_ID":"1","Title":"T","genres":null}"#, "", "[]"),
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
    "{}", #"{"movie_id":"1.5","title":"T"}"#, #"{"movie_id":"-1","title":"T"}"#,
    #"{"movie_id":-1,"title":"T"}"#, #"{"movie_id":1}"#,
    #"{"movie_id":1,"title":"T","genres":[1]}"#, #"{"movie_id":1,"title":"T","genres":5}"#,
  ])
  func refuses(_ text: String) {
    let bytes = Array(text.utf8)
    #expect(throws: RecordError.self) {
      var parser = MovieRecordParser()
      _ = try parser.parse(bytes.span.bytes)
    }
  }

  /// A hundred of them would not go into a reply.
  @Test func refusesATitleThatIsTooLong() {
    refuses(#"{"movie_id":1,"title":"\#(String(repeating: "T", count: 8192))"}"#)
  }
}

@Suite struct GenreIndexTests {
  @Test func findsGenresWhateverTheirCase() {
    var index = GenreIndex()
    let first = index.number("Sci-Fi|Drama")
    let second = index.number("DRAMA|(no genres listed)")
    #expect(Array(first) == [0, 1] && Array(second) == [1, 2])
    #expect(index.find(["sci-fi", "War"]) == GenreSet(rawValue: 1))
    #expect(index.find(["drama"]).intersects(first) && index.find(["drama"]).intersects(second))
    #expect(!index.find(["sci-fi"]).intersects(second))
    #expect(index.find(["War"]).rawValue == 0 && index.number("").rawValue == 0)
  }

  @Test func genresBeyondTheSetHaveNoNumber() {
    var index = GenreIndex()
    for genre in 0..<70 { _ = index.number("g\(genre)") }
    #expect(index.find(["g63"]).rawValue == 1 << 63)
    #expect(index.find(["g64"]).rawValue == 0)
  }
}
