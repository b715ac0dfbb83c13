import EventLog
import PipelineSimulation
import Ratings
import Recommender
import Streams
import Testing

@testable import Pipeline
@testable import Simulation

/// Take-backs that name events, also more of them than there is room for.
@Suite struct RetractionTests {
  private static let start: Int64 = 1_700_000_000
  private static var limit: Int64 { Int64(Retractions.limit) }

  private func append(
    _ chain: Chain, user: Int64 = 1, _ stars: Double?, at seconds: Int64,
    retracts offset: Int64? = nil
  ) throws {
    let rating = stars.map { "\($0)" } ?? "null"
    let named = offset.map { #","retracts":"0:\#($0)""# } ?? ""
    let value =
      #"{"user_id":\#(user),"movie_id":2,"rating":\#(rating),"timestamp":\#(seconds)\#(named)}"#
    try chain.log.append(
      to: TopicPartition(Topics.userRatings, 0), key: nil, value: Array(value.utf8),
      timestamp: (Self.start + 10_000) * 1000)
  }

  /// A rating of a clock that ran ahead, and take-backs that name it too late.
  private func chain() throws -> Chain {
    let chain = Chain()
    try append(chain, 5, at: Self.start + 9_000)
    for name in 0...Self.limit {
      try append(chain, nil, at: Self.start + name, retracts: 100_000 + name)
    }
    try append(chain, nil, at: Self.start + 8_000, retracts: 0)
    // Known ones are no news, and a take-back that loses its name counts by its time.
    try append(chain, nil, at: Self.start + 8_001, retracts: 100_000)
    try append(chain, 3, at: Self.start + 8_500)
    try append(chain, nil, at: Self.start + 9_001, retracts: 1)
    try append(chain, 2, at: Self.start + 9_002)
    return chain
  }

  private func verdicts(_ chain: Chain, _ rule: Ratings.Expectation) throws -> Int {
    try chain.records(Topics.validationResults).count { record in
      String(decoding: record.value ?? [], as: UTF8.self).contains(rule.name.description)
    }
  }

  private func standing(_ chain: Chain) throws -> UserRating? {
    try chain.storage.contents(of: UserTables.ratings, stage: "user", partition: 0).values.first
      .map { try UserRating(decoding: $0.span.bytes) }
  }

  @Test func aValueHasRoomForAllNames() throws {
    var names = Retractions()
    for offset in 0..<Self.limit + 5 {
      let event = RatingEvent(
        user: 1, movie: 2, rating: nil, timeMilliseconds: 1, type: .rating,
        source: SourceCoordinates(partition: 0, offset: offset), recordTimeMilliseconds: 1,
        retracts: SourceCoordinates(partition: .max, offset: .max - offset))
      var statement = try #require(RatingStatement(event, genres: GenreSet()))
      let naming = names.take(&statement)
      #expect(naming == (offset < Self.limit ? .new : .refused))
      #expect((statement.retracts == nil) == (naming == .refused))
    }
    var bytes: [UInt8] = []
    names.encode(into: &bytes)
    #expect(bytes.count < 20_000)
    #expect(try Retractions(decoding: bytes.span.bytes) == names)
  }

  @Test(arguments: [1, 7, 5_000]) func whoFoldsThemAgrees(batch: Int) throws {
    var chain = try chain()
    chain.limits.records = batch
    try chain.runAll()
    let row = try #require(try standing(chain))
    #expect(row.rating == HalfStars(stars: 2) && row.hasRetractions)
    #expect(try verdicts(chain, .retractsCount) == 3)

    let training = try RatingLogReader<MemoryConsumer>(
      chain.log, topology: Chain.topology, ends: [try end(chain)], clientID: "t")
    while try training.read() {}
    let matrix = try training.finish()
    let (oracle, history) = try folds(chain)
    #expect(history == row.timed.map { [MovieRating(movie: 2, rating: $0)] })
    #expect(matrix.rating(of: RatedPair(user: 1, movie: 2)) == row.timed)
    #expect(oracle.ratings(ofUser: 1).map(\.stars) == [2])
    #expect(oracle.refused == 3)
    #expect(oracle.late == (try verdicts(chain, .ratingNewest)))
    #expect(oracle.changes == (try chain.records(Topics.ratingsByMovie).count))
  }

  /// By the simulation's oracle and by `explain`.
  private func folds(_ chain: Chain) throws -> (FeatureOracle, [MovieRating]) {
    var oracle = FeatureOracle()
    var history = UserHistory(user: 1, by: .current)
    var parser = CanonicalEventParser()
    var reader = try PartitionReader(
      chain.log, ConsumerConfiguration(topics: [Topics.validatedRatings], group: nil, clientID: "t")
    )
    try reader.begin([
      PartitionCursor(
        TopicPartition(Topics.validatedRatings, 0), from: .beginning, to: try end(chain))
    ])
    try reader.readToEnd { _, record in
      history.take(record)
      guard let value = record.value,
        let event = try? parser.parse(value, recordTime: record.timestamp)
      else { return true }
      oracle.apply(
        FeatureOracle.Event(
          user: event.user, movie: event.movie ?? 0, stars: event.rating?.stars,
          milliseconds: event.timeMilliseconds, genres: [], source: event.source,
          recordMilliseconds: event.recordTimeMilliseconds, retracts: event.retracts))
      return true
    }
    return (oracle, history.ratings)
  }

  /// A rating that an event of the future kept out comes back with that event's take-back, although
  /// the take-back's clock is behind.
  @Test(arguments: [1, 5_000]) func whatWasKeptOutComesBack(batch: Int) throws {
    var chain = Chain()
    chain.limits.records = batch
    try append(chain, 2, at: Self.start + 1)
    try append(chain, 5, at: Self.start + 9_000)
    try append(chain, 4, at: Self.start + 20)
    try append(chain, 3, at: Self.start + 10)
    try append(chain, nil, at: Self.start + 5, retracts: 1)
    try chain.runAll()
    #expect(try standing(chain)?.rating == HalfStars(stars: 4))
    #expect(
      try folds(chain).1
        == [try #require(try standing(chain)?.timed)].map {
          MovieRating(movie: 2, rating: $0)
        })
    // What comes back can be taken back in turn, and what it kept out then comes back.
    try append(chain, nil, at: Self.start + 6, retracts: 2)
    try chain.runAll()
    #expect(try standing(chain)?.rating == HalfStars(stars: 3))
    try append(chain, nil, at: Self.start + 7, retracts: 3)
    try chain.runAll()
    let last = try #require(try standing(chain))
    #expect(last.rating == nil && last.timeMilliseconds == (Self.start + 7) * 1000)
  }

  /// One that is named before it comes still takes its event back.
  @Test(arguments: [1, 5_000]) func aTakeBackThatIsTakenBackStillTakesBack(batch: Int) throws {
    var chain = Chain()
    chain.limits.records = batch
    try append(chain, 5, at: Self.start + 9_000)
    try append(chain, 2, at: Self.start + 1)
    try append(chain, nil, at: Self.start + 2, retracts: 3)
    try append(chain, nil, at: Self.start + 8_000, retracts: 0)
    try chain.runAll()
    let row = try #require(try standing(chain))
    #expect(row.rating == nil && row.timeMilliseconds == (Self.start + 2) * 1000)
    try append(chain, 3, at: Self.start + 3)
    try chain.runAll()
    let (oracle, history) = try folds(chain)
    #expect(try standing(chain)?.rating == HalfStars(stars: 3))
    #expect(history.map(\.rating.rating) == [HalfStars(stars: 3)])
    #expect(oracle.ratings(ofUser: 1).map(\.stars) == [3])
    #expect(oracle.changes == (try chain.records(Topics.ratingsByMovie).count))
  }

  /// A take-back of a clock that ran ahead, undone by name, gives the movie's event time back to
  /// the take-backs of others.
  @Test(arguments: UInt64(0)..<12) func aMoviesEventTimeIsThatOfWhatStands(seed: UInt64) throws {
    var random = SeededGenerator(seed: seed)
    var chain = Chain()
    chain.limits.records = seed % 2 == 0 ? 7 : 5_000
    try append(chain, user: 9, 3, at: Self.start)
    var said: [Int64: [Int64]] = [:]
    for offset in 1..<200 as Range<Int64> {
      let user = Int64.random(in: 0..<5, using: &random)
      let named = random.oneIn(2) ? said[user]?.randomElement(using: &random) : nil
      try append(
        chain, user: user, named == nil && random.oneIn(3) ? 4 : nil,
        at: Self.start + .random(in: 0..<(named == nil ? 40 : 10), using: &random), retracts: named)
      said[user, default: []].append(offset)
      if offset % 20 == 0 {
        try chain.runAll()
        try folds(chain).0.check(chain, "seed \(seed), offset \(offset)")
      }
    }
  }

  /// What is read again changes nothing, and neither names nor rows grow.
  @Test func aReplayLeadsToTheSame() throws {
    let chain = try chain()
    try chain.runAll()
    let before = chain.storage.contents(of: UserTables.retractions, stage: "user", partition: 0)
    let keptOut = chain.storage.contents(of: UserTables.keptOut, stage: "user", partition: 0)
    #expect(keptOut.count == 1)
    let row = try standing(chain)
    let place = TopicPartition(Topics.validatedRatings, 0)
    for record in try chain.log.records(of: place) {
      try chain.log.append(
        to: place, key: record.key, value: record.value, timestamp: record.timestamp)
    }
    try chain.runUser()
    #expect(
      before == chain.storage.contents(of: UserTables.retractions, stage: "user", partition: 0))
    #expect(keptOut == chain.storage.contents(of: UserTables.keptOut, stage: "user", partition: 0))
    #expect(try standing(chain) == row)
  }

  private func end(_ chain: Chain) throws -> Int64 {
    try chain.log.offsets(of: TopicPartition(Topics.validatedRatings, 0)).upperBound
  }
}
