import EventLog
import PipelineSimulation
import Ratings
import Simulation
import Streams
import Testing

@testable import Pipeline

/// The stages after one another, compared with a naive fold of what went in.
@Suite struct ChainTests {
  @Test(arguments: ProcessingGuarantee.allCases, UInt64(0)..<24)
  func featuresEqualANaiveFold(_ guarantee: ProcessingGuarantee, seed: UInt64) throws {
    var run = RandomRun(guarantee, seed: seed)
    try run.feed(200)
    try run.chain.runAll()
    try run.feed(100)
    try run.chain.runAll()
    let oracle = try run.oracle(isExact: true)
    try oracle.check(run.chain, "seed \(seed)")
    try run.checkVerdicts(oracle)
    try run.checkDeadLetters(isExact: true)
  }

  @Test(arguments: ProcessingGuarantee.allCases, UInt64(100)..<124)
  func processesThatDieLeaveNoTraceInFeatures(
    _ guarantee: ProcessingGuarantee, seed: UInt64
  ) throws {
    var run = RandomRun(guarantee, seed: seed)
    try run.feed(150)
    try run.runDyingOften()
    try run.feed(50)
    try run.runDyingOften()
    let isExact = guarantee == .exactlyOnce
    let oracle = try run.oracle(isExact: isExact)
    try oracle.check(run.chain, "seed \(seed)")
    if isExact { try run.checkVerdicts(oracle) }
    try run.checkDeadLetters(isExact: isExact)
  }
}

/// A chain under seeded random input.
private struct RandomRun {
  private static let catalog: [Int64: [String]] = [
    0: ["Drama"], 1: ["Comedy", "Drama"], 2: ["Action"], 3: [], 4: ["Action", "Comedy"],
    5: ["Western"],
  ]
  private static let start: Int64 = 1_600_000_000

  var chain: Chain
  private var random: SeededGenerator
  private let seed: UInt64
  /// The valid events of type rating, and all that are valid or not, by where they lie.
  private var ratings: [SourceCoordinates: FeatureOracle.Event] = [:]
  private var valid: Set<SourceCoordinates> = []
  private var invalid: Set<SourceCoordinates> = []

  init(_ guarantee: ProcessingGuarantee, seed: UInt64) {
    self.seed = seed
    random = SeededGenerator(seed: seed)
    chain = Chain(guarantee, partitions: Int32.random(in: 1...4, using: &random))
    chain.limits.records = Int.random(in: 1...40, using: &random)
    chain.maxFetchRecords = Int.random(in: 1...60, using: &random)
  }

  // MARK: Input

  mutating func feed(_ count: Int) throws {
    for (movie, genres) in Self.catalog where ratings.isEmpty {
      try chain.addMovie(movie, genres: genres.joined(separator: "|"))
    }
    for _ in 0..<count {
      if random.oneIn(10) { try feedInvalid() } else { try feedValid() }
    }
  }

  private mutating func append(
    _ value: [UInt8]?, headers: [RecordHeader] = [], timestamp: Int64? = nil
  ) throws -> SourceCoordinates {
    let partition = Int32.random(in: 0..<chain.partitions, using: &random)
    let key: [UInt8]? = random.oneIn(2) ? nil : [UInt8.random(in: 0...255, using: &random)]
    let offset = try chain.log.append(
      to: TopicPartition(Topics.userRatings, partition), key: key, value: value, headers: headers,
      timestamp: timestamp ?? 1_700_000_000_000)
    return SourceCoordinates(partition: partition, offset: offset)
  }

  private mutating func feedValid() throws {
    if random.oneIn(8) {
      let view = #"{"user_id":1,"movie_id":2,"timestamp":1600000000,"event_type":"view"}"#
      valid.insert(try append(Array(view.utf8)))
      return
    }
    let user = Int64.random(in: 0..<6, using: &random)
    // Two of them are not in the catalog.
    let movie = Int64.random(in: 0..<8, using: &random)
    var stars: Double? = Double.random(in: 1...10, using: &random).rounded() / 2
    if random.oneIn(3) { stars = nil }
    // Few times, so that duplicates and equal times are frequent.
    let seconds = Self.start + 40_000 * Int64.random(in: 0..<120, using: &random)
    var json = #"{"user_id":\#(user),"movie_id":\#(movie),"timestamp":\#(seconds)"#
    json += stars.map { #","rating":\#($0)"# } ?? #","rating":null"#
    var genres: [String] = []
    if random.oneIn(2) {
      genres = ["Horror", "Drama"]
      json += #","genres":["Horror","Drama"]"#
    }
    json += "}"
    for _ in 0..<(random.oneIn(6) ? 2 : 1) {
      let timestamp = 1_700_000_000_000 + Int64.random(in: 0..<4, using: &random)
      let place = try append(Array(json.utf8), timestamp: timestamp)
      valid.insert(place)
      ratings[place] = FeatureOracle.Event(
        user: user, movie: movie, stars: stars, milliseconds: seconds * 1000,
        genres: Set(Self.catalog[movie] ?? genres), source: place, recordMilliseconds: timestamp)
    }
  }

  private mutating func feedInvalid() throws {
    let values: [[UInt8]?] = [
      nil, [], [0xff, 0xfe, 0x00], Array("not json".utf8), Array("[1]".utf8),
      Array(#"{"user_id":1,"movie_id":2,"rating":7,"timestamp":1600000000}"#.utf8),
      Array(#"{"user_id":-1,"movie_id":2,"rating":3,"timestamp":1600000000}"#.utf8),
      Array(#"{"user_id":1,"movie_id":2,"timestamp":1600000000}"#.utf8),
      Array(#"{"user_id":1,"user_id":1,"movie_id":2,"rating":3,"timestamp":1600000000}"#.utf8),
      Array(#"{"user_id":1,"movie_id":2,"rating":3,"timestamp":1900000000}"#.utf8),
    ]
    let value = values[Int.random(in: 0..<values.count, using: &random)]
    invalid.insert(
      try append(value, headers: random.oneIn(2) ? [RecordHeader("trace", [0xc3, 0x28])] : []))
  }

  // MARK: Processes

  /// Runs each stage until a process lives to see its input dry.
  mutating func runDyingOften() throws {
    try attempt { chain, run throws(StageError) in try chain.runIntake(run) }
    try attempt { chain, run throws(StageError) in try chain.runUser(run) }
    try attempt { chain, run throws(StageError) in try chain.runMovie(run) }
  }

  private mutating func attempt(
    _ body: (Chain, Chain.Run) throws(StageError) -> Int64
  ) throws {
    for attempt in 0..<4 {
      let last = Int.random(in: 1..<400, using: &random)
      let fault = random.oneIn(2) ? SimulatedProcess.Fault.die : .dieAfterwards
      var run = Chain.Run(delivery: .seeded(seed &+ UInt64(attempt)))
      run.faults = { $0.total == last ? fault : nil }
      do throws(StageError) {
        _ = try body(chain, run)
        return
      } catch {
        #expect(error.reaction == .stopDaemon)
      }
    }
    _ = try body(chain, Chain.Run())
  }

  // MARK: Comparison

  /// Folds the ratings in the order that intake gave them.
  ///
  /// - Parameter isExact: whether no event may have come twice.
  func oracle(isExact: Bool) throws -> FeatureOracle {
    var oracle = FeatureOracle()
    var seen: Set<SourceCoordinates> = []
    var parser = CanonicalEventParser()
    for record in try chain.records(Topics.validatedRatings) {
      let value = try #require(record.value)
      let event = try parser.parse(value.span.bytes, recordTime: record.timestamp)
      #expect(record.key == Array("\(event.user)".utf8))
      guard seen.insert(event.source).inserted else {
        #expect(!isExact, "\(event.source) came twice, seed \(seed)")
        continue
      }
      if let rating = ratings[event.source] { oracle.apply(rating) }
    }
    #expect(seen == valid, "seed \(seed)")
    return oracle
  }

  /// One verdict an event, and one more for each that changed nothing.
  func checkVerdicts(_ oracle: FeatureOracle) throws {
    let verdicts = try chain.records(Topics.validationResults).map {
      String(decoding: $0.value ?? [], as: UTF8.self)
    }
    let duplicates = verdicts.count { $0.contains(Expectation.ratingUnique.name.description) }
    let late = verdicts.count { $0.contains(Expectation.ratingNewest.name.description) }
    #expect(duplicates == oracle.duplicates && late == oracle.late, "seed \(seed)")
    #expect(verdicts.count { $0.hasPrefix(#"{"valid":true,"#) } == valid.count, "seed \(seed)")
    #expect(verdicts.count == valid.count + invalid.count + duplicates + late, "seed \(seed)")
    #expect(try chain.records(Topics.ratingsByMovie).count == oracle.changes, "seed \(seed)")
  }

  func checkDeadLetters(isExact: Bool) throws {
    var found: Set<SourceCoordinates> = []
    for letter in try chain.records(Topics.deadLetters) {
      let headers = Dictionary(letter.headers.map { ($0.name, $0.value ?? []) }) { $1 }
      func text(_ name: String) -> String { String(decoding: headers[name] ?? [], as: UTF8.self) }
      #expect(text("__streams.errors.topic") == Topics.userRatings)
      let place = SourceCoordinates(
        partition: try #require(Int32(text("__streams.errors.partition"))),
        offset: try #require(Int64(text("__streams.errors.offset"))))
      #expect(found.insert(place).inserted || !isExact, "\(place) came twice, seed \(seed)")
      let originals = try chain.log.records(of: TopicPartition(Topics.userRatings, place.partition))
      let original = try #require(originals.first { $0.offset == place.offset })
      #expect(letter.key == original.key && letter.value == original.value)
      #expect(letter.timestamp == original.timestamp)
      #expect(Array(letter.headers.prefix(original.headers.count)) == original.headers)
    }
    #expect(found == invalid, "seed \(seed)")
  }
}
