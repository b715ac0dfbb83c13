import EventLog
import Streams
import Testing

@testable import Pipeline
@testable import Simulation

/// Requests and their replies.
@Suite struct PredictTests {
  static let start: Int64 = 1_600_000_000
  private let chain = Chain(partitions: 3)

  private func home(_ user: Int64) -> Int32 { chain.home(user) }

  /// Movies 1 and 2 are equally good, 4 is better, 3 is worse; user 8 has rated 1.
  private func prepare() throws {
    for movie in Int64(1)...4 { try chain.addMovie(movie, title: "M\(movie)", genres: "Drama") }
    let stars: [Int64: Double] = [1: 4, 2: 4, 3: 1, 4: 5]
    for (movie, stars) in stars.sorted(by: { $0.key < $1.key }) {
      try chain.rate(7, movie, stars, at: Self.start)
    }
    try chain.rate(8, 1, 4, at: Self.start)
    try chain.rate(9, 2, 4, at: Self.start)
    try chain.runAll()
  }

  private func ask(
    _ value: String?, headers: [RecordHeader] = [], partition: Int32, key: String? = nil
  ) throws {
    try chain.log.append(
      to: TopicPartition(Topics.requests, partition), key: key.map { Array($0.utf8) },
      value: value.map { Array($0.utf8) }, headers: headers)
  }

  private func answer() throws { try chain.runPredict() }

  private func onlyReply() throws -> (record: MemoryRecord, reply: ReplyRecord) {
    let replies = try chain.records(Topics.recommendations)
    #expect(replies.count == 1)
    let record = try #require(replies.first)
    return (record, try ReplyRecord(record))
  }

  // MARK: Lists

  @Test func whatTheUserHasRatedIsLeftOut() throws {
    try prepare()
    try ask(#"{"user_id":8}"#, partition: home(8), key: "8")
    try answer()
    let (record, reply) = try onlyReply()
    let list = try #require(reply.recommendations)
    #expect(list.map(\.movieId) == [4, 2, 3])
    #expect(list.map(\.title) == ["M4", "M2", "M3"])
    #expect(list.allSatisfy { $0.genres == "Drama" })
    #expect(zip(list, list.dropFirst()).allSatisfy { $0.score >= $1.score })
    #expect(reply.userId == 8 && reply.count == 3 && reply.strategy == "popular")
    #expect(record.key == Array("8".utf8))
    let committed = chain.log.committedOffsets(of: "app-user")
    #expect(reply.stateOffset == committed[TopicPartition(Topics.validatedRatings, home(8))])
  }

  @Test func nothingLeftIsSaidSo() throws {
    try ask(#"{"user_id":7}"#, partition: home(7))
    try answer()
    try prepare()
    for fields in ["", #","genres":"drama,comedy""#, #","genres":"Western""#] {
      try ask(#"{"user_id":7\#(fields)}"#, partition: home(7))
    }
    try answer()
    let replies = try chain.records(Topics.recommendations).map { try ReplyRecord($0) }
    #expect(replies.allSatisfy { $0.count == 0 && $0.strategy == "popular" })
    #expect(
      replies.compactMap(\.reason).sorted()
        == ["no_matching_movies", "no_more_movies", "no_more_movies", "no_movies"])
  }

  @Test func genresChooseFromThePopularList() throws {
    try prepare()
    try chain.addMovie(5, title: "M5", genres: "Comedy|Horror")
    try chain.rate(7, 5, 3, at: Self.start)
    try chain.runAll()
    try ask(#"{"user_id":8,"genres":["horror","Western"]}"#, partition: home(8))
    try ask(#"{"user_id":8,"genres":"Western"}"#, partition: home(8))
    try answer()
    let replies = try chain.records(Topics.recommendations).map { try ReplyRecord($0) }
    #expect(replies.map { $0.recommendations?.map(\.movieId) } == [[5], []])
    #expect(replies.map(\.reason) == ["no_model", "no_matching_movies"])
    #expect(replies.map(\.request?.genres) == [["horror", "Western"], ["Western"]])
  }

  @Test func whatIsRatedCanBeAskedFor() throws {
    try prepare()
    try ask(#"{"user_id":8,"exclude_rated":false,"include_history":true}"#, partition: home(8))
    try answer()
    let (_, reply) = try onlyReply()
    #expect(reply.recommendations?.map(\.movieId) == [4, 1, 2, 3])
    #expect(reply.request?.excludeRated == false)
    #expect(reply.history?.map(\.movieId) == [1])
    #expect(reply.history?.map(\.rating) == [4])
    #expect(reply.history?.map(\.title) == ["M1"])
    #expect(reply.features?.ratingCount == 1 && reply.features?.ratingMean == 4)
    #expect(reply.features?.favoriteGenre == "Drama")
  }

  @Test func anUnknownUserGetsThePopularList() throws {
    try prepare()
    try ask(#"{"user_id":1000,"num_recommendations":3}"#, partition: home(1000))
    try answer()
    let (_, reply) = try onlyReply()
    // 1 and 2 are equally good: the smaller id comes first.
    #expect(reply.recommendations?.map(\.movieId) == [4, 1, 2])
    #expect(reply.features?.ratingCount == 0 && reply.history == nil)
  }

  @Test func whatIsTakenBackIsRecommendedAgain() throws {
    try prepare()
    try chain.rate(8, 1, nil, at: Self.start + 1)
    try chain.runAll()
    try ask(#"{"user_id":8}"#, partition: home(8))
    try answer()
    let (_, reply) = try onlyReply()
    #expect(reply.recommendations?.contains { $0.movieId == 1 } == true)
  }

  // MARK: Headers

  @Test func theReplyGoesWhereTheRequestWants() throws {
    try prepare()
    chain.log.createTopic("mine", partitions: 3)
    let correlation = RecordHeader("kafka_correlationId", [0, 0xff, 0xc3, 0x28])
    try ask(
      #"{"user_id":8}"#,
      headers: [
        correlation, RecordHeader("kafka_replyTopic", text: "mine"),
        RecordHeader("kafka_replyPartition", [0, 0, 0, 2]), RecordHeader("other", text: "x"),
      ], partition: home(8))
    try answer()
    #expect(try chain.records(Topics.recommendations).isEmpty)
    let replies = try chain.log.records(of: TopicPartition("mine", 2))
    #expect(replies.map(\.headers) == [[correlation]])
    #expect(try chain.records("mine").count == 1)
  }

  @Test func anUnknownReplyTopicIsReplacedByTheDefault() throws {
    try prepare()
    let correlation = RecordHeader("kafka_correlationId", text: "abc")
    try ask(
      #"{"user_id":8}"#,
      headers: [correlation, RecordHeader("kafka_replyTopic", text: "nowhere")],
      partition: home(8))
    try answer()
    #expect(try onlyReply().record.headers == [correlation])
  }

  /// Only a lost reply says that a topic can't be written: the next ones are not lost.
  @Test func aReplyTopicThatDeniesAReplyIsReplacedByTheDefault() throws {
    try prepare()
    chain.log.createTopic("mine", partitions: Int(chain.partitions))
    for _ in 0..<3 {
      try ask(
        #"{"user_id":8}"#, headers: [RecordHeader("kafka_replyTopic", text: "mine")],
        partition: home(8), key: "8")
    }
    let denied = LogError(.denied, "no", reaction: .stopDaemon)
    let counts = try chain.runPredict(
      Chain.Serving(),
      Chain.Run(faults: { $0.effect == .send && $0.number == 0 ? .fail(denied) : nil }))
    #expect(counts.detoured == 3)
    #expect(try chain.records("mine").isEmpty)
    #expect(try chain.records(Topics.recommendations).count == 3)
  }

  @Test func aQuotedTopicAndAPartitionInTextAreFollowed() throws {
    try prepare()
    chain.log.createTopic("mine", partitions: 3)
    let correlation = RecordHeader("correlation_id", text: "abc")
    try ask(
      #"{"userId":"8"}"#,
      headers: [
        correlation, RecordHeader("kafka_replyTopic", text: #""mine""#),
        RecordHeader("kafka_replyPartition", text: "2"),
      ], partition: home(8))
    let counts = try chain.runPredict(Chain.Serving())
    #expect(counts.detoured == 0)
    #expect(
      try chain.log.records(of: TopicPartition("mine", 2)).map(\.headers) == [[correlation]])
  }

  @Test func aReplyThatGoesElsewhereIsCounted() throws {
    try prepare()
    chain.log.createTopic("mine", partitions: 3)
    let partitions: [[UInt8]] = [[0, 0, 0, 99], [1, 0, 0, 0], [0xFF, 0xFF, 0xFF, 0xFF], [7, 7]]
    for bytes in partitions {
      try ask(
        #"{"user_id":8}"#,
        headers: [
          RecordHeader("kafka_replyTopic", text: "mine"),
          RecordHeader("kafka_replyPartition", bytes),
        ], partition: home(8), key: "8")
    }
    for topic in ["nowhere", "movies", "__offsets", "two words"] {
      try ask(
        #"{"user_id":8}"#, headers: [RecordHeader("kafka_replyTopic", text: topic)],
        partition: home(8), key: "8")
    }
    #expect(try chain.runPredict(Chain.Serving()).detoured == 8)
    #expect(try chain.records("mine").count == 4)
    #expect(try chain.records(Topics.recommendations).count == 4)
  }

  /// What is written in them has another meaning, and to some of them nothing can be written.
  @Test(arguments: ["__consumer_offsets", "movies", "app-user-changelog", "user-ratings"])
  func noReplyGoesToATopicOfAnotherMeaning(_ topic: String) throws {
    try prepare()
    if topic.hasPrefix("__") { chain.log.createTopic(topic, partitions: 1) }
    let before = try chain.log.records(of: TopicPartition(topic, 0)).count
    try ask(
      #"{"user_id":8}"#, headers: [RecordHeader("kafka_replyTopic", text: topic)],
      partition: home(8), key: "100")
    try answer()
    #expect(try onlyReply().reply.recommendations?.isEmpty == false)
    #expect(try chain.log.records(of: TopicPartition(topic, 0)).count == before)
  }

  @Test func theDefaultTopicCanBeNamedWithAPartition() throws {
    try prepare()
    try ask(
      #"{"user_id":8}"#,
      headers: [
        RecordHeader("kafka_replyTopic", text: Topics.recommendations),
        RecordHeader("kafka_replyPartition", [0, 0, 0, 2]),
      ], partition: home(8))
    try answer()
    #expect(try chain.log.records(of: TopicPartition(Topics.recommendations, 2)).count == 1)
  }

  /// A compressed request can be larger than anything that its reply's topic takes.
  @Test func requestsThatAreTooLargeAreRefused() throws {
    try prepare()
    let correlation = RecordHeader("kafka_correlationId", text: "abc")
    let long = String(repeating: "x", count: (1 << 16) + 1)
    try ask(
      #"{"user_id":8,"genres":"\#(long)"}"#, headers: [correlation], partition: home(8), key: "8")
    try ask(#"{"user_id":8}"#, headers: [correlation], partition: home(8), key: long)
    try ask(
      #"{"user_id":8}"#, headers: [RecordHeader("kafka_correlationId", text: long)],
      partition: (home(8) + 1) % 3, key: "8")
    try answer()
    let records = try chain.records(Topics.recommendations)
    let codes = try records.map { try ReplyRecord($0).error?.code }
    #expect(codes == Array(repeating: "request_too_large", count: 3))
    #expect(records.allSatisfy { ($0.key?.count ?? 0) < 100 })
    let echoed = records.flatMap(\.headers).filter { $0.name == correlation.name }
    #expect(echoed.count == 2 && echoed.allSatisfy { $0 == correlation })
  }

  /// A batch that must be aborted comes between.
  @Test func aChangeOfPartitionsIsNotForgotten() throws {
    var chain = self.chain
    try prepare()
    chain.limits.linger = .seconds(10)
    try ask(#"{"user_id":8}"#, partition: home(8))
    let directory = PartitionDirectory<MemoryStore>()
    let gone = home(8)
    let log = chain.log
    let later = TopicPartition(Topics.requests, home(8))
    try chain.runPredict(
      Chain.Serving(),
      Chain.Run(
        faults: {
          $0.effect == .flush && $0.number == 0
            ? .fail(LogError(.transactionAborted, "refused", reaction: .abortBatch)) : nil
        },
        onIdle: { number in
          if number == 1 {
            // Another thread of the user stage takes it, and gives it up.
            let other = directory.makeShare()
            other.replace(directory.store(of: gone).map { [(gone, $0)] } ?? [])
            other.replace([])
          }
          if number == 20 {
            _ = try? log.append(
              to: later, key: nil, value: Array(#"{"user_id":8,"num_recommendations":1}"#.utf8))
          }
        }), directory: directory)
    #expect(try log.records(of: later).count == 2)
    let replies = try chain.records(Topics.recommendations).map { try ReplyRecord($0) }
    #expect(!replies.isEmpty && replies.allSatisfy { $0.request?.numRecommendations != 1 })
  }

  @Test func lateRequestsAreDroppedAndCounted() throws {
    try prepare()
    for (user, deadline) in [(8, "1699999999999"), (9, "1700000000000"), (10, "1700000005")]
      as [(Int64, String)]
    {
      try ask(
        #"{"user_id":\#(user)}"#,
        headers: [RecordHeader("projectionist.deadline_ms", text: deadline)], partition: home(user)
      )
    }
    let counts = try chain.runPredict(Chain.Serving(time: { 1_700_000_000_000 }))
    let replies = try chain.records(Topics.recommendations).map { try ReplyRecord($0) }
    #expect(replies.compactMap { $0.error == nil ? $0.userId : nil } == [9])
    #expect(replies.compactMap(\.error?.code) == ["invalid_deadline"])
    #expect(counts.late == 1 && counts.popular == 1 && counts.errors == 1)
  }

  // MARK: Mistakes

  @Test(
    arguments: [
      (nil, "invalid_json"), ("", "invalid_json"), ("{", "invalid_json"), ("[]", "invalid_json"),
      ("{}", "missing_user_id"), (#"{"user_id":"eight"}"#, "invalid_user_id"),
      (#"{"user_id":-1}"#, "invalid_user_id"),
      (#"{"user_id":8,"num_recommendations":0}"#, "invalid_num_recommendations"),
      (#"{"user_id":8,"num_recommendations":101}"#, "invalid_num_recommendations"),
      (#"{"user_id":8,"exclude_rated":"yes"}"#, "invalid_exclude_rated"),
      (#"{"user_id":8,"genres":7}"#, "invalid_genres"),
      (#"{"user_id":8,"include_history":1}"#, "invalid_include_history"),
      (#"{"user_id":8,"model_version":""}"#, "invalid_model_version"),
      (#"{"user_id":8,"as_of":1700000000}"#, "as_of_unsupported"),
    ] as [(String?, String)])
  func anInvalidRequestGetsAnError(_ value: String?, _ code: String) throws {
    let correlation = RecordHeader("kafka_correlationId", [1, 2, 3])
    try ask(value, headers: [correlation], partition: 0, key: "k")
    try answer()
    let (record, reply) = try onlyReply()
    #expect(reply.error?.code == code)
    #expect(reply.error?.message.isEmpty == false)
    #expect(record.headers == [correlation, RecordHeader("projectionist.error", text: code)])
    #expect(record.key == Array("k".utf8))
  }

  @Test func aRequestOnTheWrongPartitionIsSentOnOnce() throws {
    try prepare()
    let wrong = (home(8) + 1) % chain.partitions
    let correlation = RecordHeader("kafka_correlationId", text: "abc")
    try ask(#"{"user_id":8}"#, headers: [correlation], partition: wrong)
    try answer()
    let sentOn = try chain.log.records(of: TopicPartition(Topics.requests, home(8)))
    #expect(
      sentOn.map(\.headers) == [[correlation, RecordHeader("projectionist.rerouted", text: "1")]])
    #expect(sentOn.map(\.value) == [Array(#"{"user_id":8}"#.utf8)])
    let (record, reply) = try onlyReply()
    #expect(record.headers == [correlation])
    #expect(reply.recommendations?.map(\.movieId) == [4, 2, 3])
  }

  @Test func aRequestSentOnToTheWrongPartitionIsRefused() throws {
    let wrong = (home(8) + 1) % chain.partitions
    try ask(
      #"{"user_id":8}"#, headers: [RecordHeader("projectionist.rerouted", text: "1")],
      partition: wrong)
    try answer()
    #expect(try onlyReply().reply.error?.code == "wrong_partition")
    #expect(try chain.records(Topics.requests).count == 1)
  }
}
