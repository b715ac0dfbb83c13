import EventLog
import Ratings
import Simulation
import Streams
import Synchronization
import Testing

@testable import Pipeline
@testable import Recommender

/// A cache in memory, which may be cut and damaged. A reader with the log alone is the oracle.
@Suite struct RatingCacheTests {
  private final class MemoryCacheFile: RatingCacheFile {
    var bytes: [UInt8] = []
    /// After so many more appends nothing but a part of the bytes arrives, as when killed.
    var appendsLeft = Int.max

    func read<Result>(_ body: (RawSpan) -> Result) throws(RatingCacheError) -> Result {
      bytes.withUnsafeBytes { body(RawSpan(_unsafeBytes: $0)) }
    }

    func append(_ new: [UInt8]) throws(RatingCacheError) {
      appendsLeft -= 1
      guard appendsLeft >= 0 else {
        bytes += new.prefix(new.count / 2)
        throw RatingCacheError("killed")
      }
      bytes += new
    }

    func truncate(to count: Int) throws(RatingCacheError) {
      bytes.removeLast(max(0, bytes.count - count))
    }
  }

  private final class Bed {
    let chain = Chain(partitions: 2)
    var files: [Int32: MemoryCacheFile] = [:]
    var told: [String] = []
    private var generator: Simulation.SeededGenerator
    private var time = ServingBed.start

    init(seed: UInt64) { generator = Simulation.SeededGenerator(seed: seed) }

    func rate(_ count: Int) throws {
      for index in 0..<count {
        let isTakenBack = Int.random(in: 0..<8, using: &generator) == 0
        let stars = Double(Int.random(in: 1...10, using: &generator)) / 2
        // Equal times are common, and some are late.
        time += Int64(Int.random(in: -1...2, using: &generator))
        try chain.rate(
          Int64.random(in: 1...9, using: &generator), Int64.random(in: 1...6, using: &generator),
          isTakenBack ? nil : stars, at: time, partition: Int32(index % 2))
      }
      try chain.runIntake()
      for partition in Int32(0)..<2 {
        try chain.log.append(
          to: TopicPartition(Topics.validatedRatings, partition), key: nil,
          value: Array("foreign".utf8))
      }
    }

    func ends() throws -> [Int64] {
      try (Int32(0)..<2).map { partition in
        try chain.log.lastStableOffset(of: TopicPartition(Topics.validatedRatings, partition))
      }
    }

    func open(cluster: String = "c") throws -> RatingCache<MemoryCacheFile> {
      try RatingCache(
        (Int32(0)..<2).map {
          CacheSource(cluster: cluster, topic: Topics.validatedRatings, partition: $0)
        },
        file: { source in
          if let file = files[source.partition] { return file }
          let file = MemoryCacheFile()
          files[source.partition] = file
          return file
        }, tell: { [self] in told.append($0) })
    }

    func update(_ cache: RatingCache<MemoryCacheFile>) throws {
      try cache.update(from: chain.log, to: try ends(), clientID: "cache")
    }

    func naive(_ ends: [Int64]) throws -> RatingMatrix {
      let reader = try RatingLogReader(
        chain.log, topology: Chain.topology, ends: ends, clientID: "naive")
      while try reader.read() {}
      return try reader.finish()
    }

    func expectSame(
      _ cache: RatingCache<MemoryCacheFile>, below ends: [Int64],
      sourceLocation: SourceLocation = #_sourceLocation
    ) throws {
      let (cached, read) = (try cache.ratings(below: ends), try naive(ends))
      #expect(cached.users == read.users, sourceLocation: sourceLocation)
      #expect(cached.movies == read.movies, sourceLocation: sourceLocation)
      #expect(
        (0..<cached.count).map { cached.rating($0) } == (0..<read.count).map { read.rating($0) },
        sourceLocation: sourceLocation)
    }
  }

  @Test(arguments: 1...20 as ClosedRange<UInt64>) func readsWhatTheLogHas(seed: UInt64) throws {
    let bed = Bed(seed: seed)
    var earlier: [[Int64]] = []
    var cache = try bed.open()
    for round in 0..<5 {
      try bed.rate(40)
      try bed.update(cache)
      let ends = try bed.ends()
      #expect(cache.ends == ends)
      earlier.append(ends)
      if round % 2 == 0 { cache = try bed.open() }
      for ends in earlier { try bed.expectSame(cache, below: ends) }
      #expect(try cache.count(from: ends) == 0)
      let counts = try earlier.map { try cache.count(from: $0) }
      #expect(counts == counts.sorted(by: >))
    }
    #expect(try cache.count(from: []) <= 200 && cache.count(from: []) > 100)
    #expect(try cache.users(below: try bed.ends()).isSubset(of: Set(1...9)))
    #expect(bed.told == [])
  }

  /// Cut or changed anywhere, at any byte: what is read is right, and it is said.
  @Test(arguments: 1...60 as ClosedRange<UInt64>) func aDamagedCacheIsReadAgain(seed: UInt64) throws
  {
    let bed = Bed(seed: seed)
    for _ in 0..<3 {
      try bed.rate(20)
      try bed.update(try bed.open())
    }
    var generator = Simulation.SeededGenerator(seed: seed)
    let file = try #require(bed.files[Int32(seed % 2)])
    let place = Int.random(in: 0..<file.bytes.count, using: &generator)
    let isCut = seed % 3 == 0
    if isCut {
      file.bytes.removeLast(file.bytes.count - place)
    } else {
      file.bytes[place] ^= UInt8(1 << Int.random(in: 0..<8, using: &generator))
    }
    let cache = try bed.open()
    if !isCut { #expect(bed.told.count == 1, "byte \(place)") }
    try bed.update(cache)
    try bed.expectSame(cache, below: try bed.ends())
    let told = bed.told
    try bed.expectSame(try bed.open(), below: try bed.ends())
    #expect(bed.told == told, "what was mended is whole")
  }

  @Test(arguments: 0..<8) func aKillLosesAPartAtMost(appends: Int) throws {
    let bed = Bed(seed: 5)
    let cache = try bed.open()
    for file in bed.files.values { file.appendsLeft = appends / 2 }
    for _ in 0..<6 {
      try bed.rate(10)
      do { try bed.update(cache) } catch RatingCacheUpdateError.cache { break }
    }
    for file in bed.files.values { file.appendsLeft = .max }
    let again = try bed.open()
    try bed.update(again)
    try bed.expectSame(again, below: try bed.ends())
  }

  @Test func anotherLogOrVersionIsReadAnew() throws {
    let bed = Bed(seed: 1)
    try bed.rate(30)
    try bed.update(try bed.open())
    let other = try bed.open(cluster: "d")
    #expect(bed.told.count == 2 && bed.told.allSatisfy { $0.contains("is of another log") })
    try bed.update(other)
    try bed.expectSame(other, below: try bed.ends())
    bed.told = []
    bed.files[0]?.bytes[RatingCacheFormat.magic.count] = 9
    let newer = try bed.open(cluster: "d")
    #expect(bed.told.count == 1 && bed.told[0].contains("format version 9"))
    try bed.update(newer)
    try bed.expectSame(newer, below: try bed.ends())
  }

  /// The same name and cluster, with fewer events, and then with more.
  @Test(arguments: [5, 200]) func aTopicMadeAnewIsNoticed(count: Int) throws {
    let bed = Bed(seed: 2)
    try bed.rate(60)
    let cache = try bed.open()
    try bed.update(cache)
    bed.chain.log.recreateTopic(Topics.validatedRatings)
    try bed.rate(count)
    try bed.update(cache)
    #expect(!bed.told.isEmpty && bed.told.allSatisfy { $0.contains("was made again") })
    try bed.expectSame(cache, below: try bed.ends())
    try bed.expectSame(try bed.open(), below: try bed.ends())
  }

  @Test func readingStopsWhenAsked() throws {
    let bed = Bed(seed: 3)
    try bed.rate(50)
    let cache = try bed.open()
    try cache.update(from: bed.chain.log, to: try bed.ends(), clientID: "c") { _, _ in false }
    try bed.update(cache)
    try bed.expectSame(cache, below: try bed.ends())
  }

  @Test(arguments: 1...50 as ClosedRange<UInt64>) func anyStatementIsReadBack(seed: UInt64) throws {
    var random = SeededRandom(seed: seed)
    func any() -> Int64 { Int64(bitPattern: random.next() >> UInt64(random.below(64))) }
    func time() -> Int64 { Int64(random.below(Int(EventTime.representable.upperBound))) }
    var writer = RatingCacheWriter(from: 7, after: nil)
    var expected: [RatingStatement] = []
    var offset: Int64 = 7
    for _ in 0..<100 {
      let retracts =
        random.below(5) == 0
        ? SourceCoordinates(partition: Int32(random.below(9)), offset: any()) : nil
      let statement = RatingStatement(
        user: any(), movie: -any(),
        said: UserRating(
          rating: HalfStars(rawValue: UInt8(random.below(11))), timeMilliseconds: time(),
          source: SourceCoordinates(partition: Int32(random.below(9)), offset: any()),
          recordTimeMilliseconds: random.below(4) == 0 ? -1 : time(),
          hasRetractions: retracts != nil),
        retracts: retracts)
      offset += Int64(random.below(3)) + 1
      writer.append(statement, at: offset)
      expected.append(statement)
    }
    let framed = writer.framed(to: offset + 1)
    var read: [RatingStatement] = []
    if let content = RatingCacheFormat.content(of: framed.span.bytes, at: 0) {
      try RatingCacheBlock.forEach(in: content) { _, statement in read.append(statement) }
    }
    #expect(read == expected)
  }
}
