import EventLog
import Simulation
import TestSupport
import Testing

@testable import Pipeline
@testable import Ratings
@testable import Recommender

/// Training's input and output, on a log in memory.
@Suite struct TrainingTests {
  // MARK: Reading ratings

  private static func read(_ chain: Chain, ends: [Int64]) throws -> RatingMatrix {
    let reader = try RatingLogReader(
      chain.log, topology: Chain.topology, ends: ends, clientID: "test")
    var rounds = 0
    while try reader.read() {
      rounds += 1
      try #require(rounds < 1000, "reading does not come to an end")
    }
    return try reader.finish()
  }

  private static func ends(_ chain: Chain) throws -> [Int64] {
    try (0..<chain.partitions).map { partition in
      try chain.log.records(of: TopicPartition(Topics.validatedRatings, partition)).last
        .map { $0.offset + 1 } ?? 0
    }
  }

  /// What the stages count, in `validated-ratings`' own order.
  private static func chain() throws -> Chain {
    let chain = Chain(partitions: 3)
    for user in 1...20 as ClosedRange<Int64> {
      for movie in 1...5 as ClosedRange<Int64> {
        try chain.rate(user, movie, Double(movie), at: 1_600_000_000 + user * 10 + movie)
      }
    }
    // Rated again, taken back, and not valid.
    try chain.rate(1, 1, 5, at: 1_600_001_000)
    try chain.rate(2, 2, nil, at: 1_600_001_000)
    try chain.rate(3, 3, 7.3, at: 1_600_001_000)
    _ = try chain.runIntake()
    return chain
  }

  @Test func countsWhatTheUserStageCounts() throws {
    let chain = try Self.chain()
    let ratings = try Self.read(chain, ends: try Self.ends(chain))
    #expect(ratings.users == Array(1...20) && ratings.movies == Array(1...5))
    #expect(ratings.count == 99)
    let first = ratings.range(ofUser: 0).map { ratings.rating($0) }
    #expect(first.map(\.movie) == [1, 2, 3, 4, 0])
    #expect(first.last?.rating == HalfStars(stars: 5))
    #expect(ratings.range(ofUser: 1).map { ratings.rating($0).movie } == [0, 2, 3, 4])
  }

  @Test func readsUpToTheOffsetsAndNoFurther() throws {
    let chain = try Self.chain()
    let ends = try Self.ends(chain)
    let whole = try Self.read(chain, ends: ends)
    for partition in ends.indices {
      var fewer = ends
      fewer[partition] = 0
      let records = try chain.log.records(
        of: TopicPartition(Topics.validatedRatings, Int32(partition)))
      let users = Set(records.compactMap { $0.key.map { String(decoding: $0, as: UTF8.self) } })
      let ratings = try Self.read(chain, ends: fewer)
      #expect(ratings.users == whole.users.filter { !users.contains("\($0)") })
    }
    #expect(try Self.read(chain, ends: [0, 0, 0]).count == 0)
    // More arrives; what was asked for is the same.
    try chain.rate(1, 1, 1, at: 1_600_002_000)
    _ = try chain.runIntake()
    let again = try Self.read(chain, ends: ends)
    #expect(again.count == whole.count)
    #expect((0..<again.count).allSatisfy { again.rating($0) == whole.rating($0) })
  }

  @Test func whatIntakeWroteTwiceCountsOnce() throws {
    let chain = Chain()
    try chain.rate(1, 1, 2, at: 1_600_000_000)
    try chain.rate(1, 1, 4, at: 1_600_000_001)
    _ = try chain.runIntake()
    let partition = TopicPartition(Topics.validatedRatings, 0)
    let first = try #require(try chain.log.records(of: partition).first)
    // Intake died before its commit, and repeats itself.
    try chain.log.append(to: partition, key: first.key, value: first.value)
    try chain.log.append(to: partition, key: first.key, value: Array("foreign".utf8))
    let ratings = try Self.read(chain, ends: try Self.ends(chain))
    #expect(ratings.count == 1 && ratings.rating(0).rating == HalfStars(stars: 4))
  }

  // MARK: Publishing models

  private static func model(seed: UInt64) -> PublishedModel {
    var parameters = ModelParameters()
    parameters.factors = 2000
    parameters.seed = seed
    var random = SeededRandom(seed: seed)
    return PublishedModel(
      metadata: ModelMetadata(
        version: "", parameters: parameters, users: 1, movies: 200, ratings: 1, meanRating: 3,
        newestRatingMilliseconds: 0, loss: 0),
      contents: .madeUp(movies: Array(1...200), factors: 2000) { Float(random.unit()) * 0.99 })
  }

  private static func bed() -> MemoryLog {
    let log = MemoryLog()
    log.createTopic(Topics.models, partitions: 1)
    return log
  }

  @Test(arguments: [true, false]) func whatIsPublishedIsReadBack(transactions: Bool) throws {
    let log = Self.bed()
    let (one, two) = (Self.model(seed: 1), Self.model(seed: 2))
    let publisher = try ModelPublisher(
      log, topology: Chain.topology, clientID: "test", transactionalID: transactions ? "t" : nil)
    try publisher.write([.publish(one)])
    try publisher.write([
      .publish(two), .role(.serving, ModelPromotion(version: two.model.version)),
    ])
    var catalog = try ModelCatalog(reading: log, topology: Chain.topology, clientID: "test")
    #expect(catalog.faults == [])
    #expect(Set(catalog.assembler.models.keys) == [one.model.version, two.model.version])
    #expect(catalog.assembler.promoted?.factors == two.model.factors)
    #expect(catalog.deletion(of: one.model.version)?.parts == one.parts.count)
    let deletion = try #require(catalog.deletion(of: two.model.version))
    try publisher.write([.delete(deletion), .role(.serving, nil)])
    try log.compact(TopicPartition(Topics.models, 0), keepsTombstones: false)
    catalog = try ModelCatalog(reading: log, topology: Chain.topology, clientID: "test")
    #expect(Array(catalog.assembler.models.keys) == [one.model.version])
    #expect(catalog.assembler.promotion == nil && catalog.assembler.incomplete.isEmpty)
    #expect(catalog.deletion(of: two.model.version) == nil)
    // What it was trained from is kept, for predictions that name it.
    #expect(catalog.notes.recipes[two.model.version] == two.model.metadata)
  }

  /// A model of three records, of which a trainer that is killed has written fewer.
  @Test(arguments: 0..<3) func aTrainerKilledBetweenPartsLeavesNothingToServe(written: Int) throws {
    let log = Self.bed()
    let model = Self.model(seed: 1)
    // Without transactions its parts are seen.
    var records = 0
    let partition = TopicPartition(Topics.models, 0)
    try model.forEachRecord { key, value in
      records += 1
      guard records <= written else { return }
      try log.append(
        to: partition, key: Array(key.text.utf8), value: value.withUnsafeBytes { Array($0) })
    }
    #expect(records == 3)
    try log.append(
      to: partition, key: Array("promoted".utf8),
      value: Array(#"{"version":"\#(model.model.version)","previous":[]}"#.utf8))
    let torn = try ModelCatalog(reading: log, topology: Chain.topology, clientID: "test")
    #expect(torn.assembler.promoted == nil && torn.assembler.models.isEmpty)
    #expect(
      torn.deletion(of: model.model.version)?.parts == (written == 0 ? nil : written))
    // The next one, which trains the same, mends it.
    try ModelPublisher(log, topology: Chain.topology, clientID: "test", transactionalID: "t")
      .write([.publish(model)])
    let mended = try ModelCatalog(reading: log, topology: Chain.topology, clientID: "test")
    #expect(mended.assembler.promoted?.factors == model.model.factors)
  }

  @Test func aFaultIsToldUntilTheRecordIsRight() throws {
    let log = Self.bed()
    let model = Self.model(seed: 1)
    let publisher = try ModelPublisher(
      log, topology: Chain.topology, clientID: "test", transactionalID: "t")
    try publisher.write([.publish(model)])
    let key = ModelKey.part(version: model.model.version, number: 0)
    try log.append(
      to: TopicPartition(Topics.models, 0), key: Array(key.text.utf8), value: Array("x".utf8))
    #expect(
      try ModelCatalog(reading: log, topology: Chain.topology, clientID: "test").faults.map(\.key)
        == [key])
    try publisher.write([.publish(model)])
    #expect(try ModelCatalog(reading: log, topology: Chain.topology, clientID: "test").faults == [])
  }
}
