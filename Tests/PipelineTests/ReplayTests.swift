import EventLog
import Logging
import Ratings
import StateStore
import Streams
import Testing

@testable import Pipeline
@testable import Simulation

/// State folded again from the log, held against the stages' own.
@Suite struct ReplayTests {
  private static let quiet = Logger(label: "test", factory: { _ in SwiftLogNoOpLogHandler() })

  private func replay(_ chain: Chain, into scratch: MemoryStorage) -> Replay<
    MemoryLog, MemoryStorage
  > {
    Replay(
      chain.log, storage: scratch, topology: Chain.topology, logger: Self.quiet)
  }

  private func filledChain(_ guarantee: ProcessingGuarantee, seed: UInt64) throws -> Chain {
    var random = SeededGenerator(seed: seed)
    var chain = Chain(guarantee)
    chain.limits.records = Int.random(in: 5...200, using: &random)
    for movie in Int64(1)...5 { try chain.addMovie(movie, genres: "Drama|Comedy") }
    for round in 0..<3 {
      for _ in 0..<200 {
        let stars: Double? =
          Int.random(in: 0..<4, using: &random) == 0
          ? nil : Double(Int.random(in: 1...10, using: &random)) / 2
        try chain.rate(
          Int64.random(in: 1...6, using: &random), Int64.random(in: 1...5, using: &random), stars,
          at: 1_700_000_000 + Int64.random(in: 0..<3_000_000, using: &random))
      }
      if round < 2 { try chain.runAll() }
    }
    try chain.runAll()
    return chain
  }

  private func snapshot(_ storage: MemoryStorage, _ stage: StageDeclaration) throws
    -> MemorySnapshot
  {
    try storage.open(stage: stage.name, partition: 0, tables: stage.tableNames).snapshot()
  }

  private func compare(_ stage: StageDeclaration, _ a: MemorySnapshot, _ b: MemorySnapshot) throws
    -> StoreComparison
  {
    var comparison = StoreComparison(shown: 3)
    for table in try #require(StoreSchema(stage)).tables {
      try comparison.compare(table.table, a, b)
    }
    return comparison
  }

  @Test(arguments: ProcessingGuarantee.allCases, UInt64(0)..<2)
  func stateFromTheLogIsTheStagesState(guarantee: ProcessingGuarantee, seed: UInt64) throws {
    let chain = try filledChain(guarantee, seed: seed)
    let scratch = MemoryStorage()
    let users = try snapshot(chain.storage, .user)
    let userEnd = try #require(try users.inputOffset())
    let features = try replay(chain, into: scratch).users(partition: 0, to: userEnd)
    let userResult = try compare(
      .user, users, try snapshot(scratch, .user))
    #expect(userResult.differing == 0, "\(userResult.differences)")
    #expect(userResult.entries > 10)

    // The features sent last are those in the topic.
    for (key, record) in try chain.newest(Topics.userFeatures) {
      let parsed = DecimalText.parse(key.span.bytes)
      let user = try #require(parsed)
      var parser = UserFeaturesParser()
      let value = try record.value.map { try parser.parse($0.span.bytes) }
      #expect(features[user] == .some(value))
    }

    let movies = try snapshot(chain.storage, .movie)
    let movieEnd = try #require(try movies.inputOffset())
    _ = try replay(chain, into: scratch).movies(partition: 0, to: movieEnd)
    let movieResult = try compare(
      .movie, movies, try snapshot(scratch, .movie))
    #expect(movieResult.differing == 0, "\(movieResult.differences)")
    #expect(movieResult.entries > 5)
  }

  @Test func replayEndsAtTheOffset() throws {
    let chain = Chain()
    for movie in Int64(1)...3 { try chain.rate(1, movie, 4, at: 1_700_000_000) }
    try chain.runAll()
    let last = try #require(try chain.records(Topics.validatedRatings).last).offset
    let scratch = MemoryStorage()
    let features = try replay(chain, into: scratch).users(partition: 0, to: last)
    #expect(features[1]??.ratings.count == 2)
    #expect(
      try snapshot(scratch, .user).inputOffset() == last)
    let nothing = MemoryStorage()
    #expect(try replay(chain, into: nothing).users(partition: 0, to: 0).isEmpty)
  }

  @Test func logThatIsTooShortIsNamed() throws {
    let chain = Chain()
    try chain.rate(1, 1, 4, at: 1_700_000_000)
    try chain.runAll()
    let partition = TopicPartition(Topics.validatedRatings, 0)
    let end = try chain.log.offsets(of: partition).upperBound
    #expect(throws: ReplayError.logEnds(partition, end, inputOffset: end + 1)) {
      try replay(chain, into: MemoryStorage()).users(partition: 0, to: end + 1)
    }
  }

  @Test func differencesAreShownFromBothSides() throws {
    let storage = MemoryStorage()
    let a = try storage.open(stage: "a", partition: 0, tables: [])
    let b = try storage.open(stage: "b", partition: 0, tables: [])
    func write(_ store: MemoryStore, _ entries: [[UInt8]: [UInt8]]) throws {
      var writes = WriteSet()
      for (key, value) in entries {
        writes.set(UserTables.ratings, key.span.bytes, value.span.bytes)
      }
      try store.commit(&writes, changelogOffset: 1)
    }
    try write(a, [[1]: [1], [2]: [2], [3]: [3], [5]: [5]])
    try write(b, [[1]: [1], [2]: [9], [4]: [4], [6]: [6]])
    var comparison = StoreComparison(shown: 10)
    try comparison.compare(UserTables.ratings, try a.snapshot(), try b.snapshot())
    #expect(comparison.entries == 4)
    #expect(comparison.differing == 5)
    let table = UserTables.ratings
    #expect(
      comparison.differences == [
        .init(table: table, key: [2], left: [2], right: [9]),
        .init(table: table, key: [3], left: [3], right: nil),
        .init(table: table, key: [5], left: [5], right: nil),
        .init(table: table, key: [4], left: nil, right: [4]),
        .init(table: table, key: [6], left: nil, right: [6]),
      ])
    var same = StoreComparison(shown: 10)
    try same.compare(table, try a.snapshot(), try a.snapshot())
    #expect(same.differing == 0)
  }
}
