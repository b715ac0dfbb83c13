import Codecs
import Ratings
import TestSupport
import Testing

@Suite struct CodecTests {
  @Test(arguments: 0..<40 as Range<UInt64>)
  func aggregatesReadBackAsTheyWere(seed: UInt64) throws {
    var generator = SeededGenerator(seed: seed)
    var user = UserAggregate()
    var movie = MovieAggregate()
    for _ in 0..<Int.random(in: 0...80, using: &generator) {
      let row = randomRow(&generator)
      _ = user.apply(old: nil, new: row, movie: .random(in: 0...99, using: &generator))
      _ = movie.apply(RatingChange(movie: 1, user: 1, from: nil, to: row, source: source))
      let read = try UserRating(decoding: encoded(row.encode).span.bytes)
      #expect(read == row)
    }
    let readUser = try UserAggregate(decoding: encoded(user.encode).span.bytes)
    let readMovie = try MovieAggregate(decoding: encoded(movie.encode).span.bytes)
    #expect(readUser == user && readMovie == movie)
    #expect(encoded(readUser.encode) == encoded(user.encode))
  }

  @Test func extremeRowsReadBack() throws {
    for time in [Int64.min, -1, 0, 1, Int64.max] {
      for recordTime in [-1, 0, Int64.max] {
        for rating in [nil, stars(0.5)] {
          let row = UserRating(
            rating: rating, timeMilliseconds: time, genres: GenreSet(rawValue: .max),
            source: SourceCoordinates(partition: .max, offset: .max),
            recordTimeMilliseconds: recordTime, hasRetractions: rating == nil)
          let read = try UserRating(decoding: encoded(row.encode).span.bytes)
          #expect(read == row && !read.isByArrival)
        }
      }
    }
  }

  @Test func rowsOfEarlierVersionsAreRead() throws {
    let bytes: [UInt8] = [1, 8, 0x80, 0xA0, 0xAB, 0xFE, 0xF9, 0x62, 0x0B]
    let row = try UserRating(decoding: bytes.span.bytes)
    #expect(row.isByArrival && row.rating == stars(4) && row.timeMilliseconds == 1_700_000_000_000)
    #expect(row.genres == GenreSet(rawValue: 0b1011))
    let later = UserRating(timed: row.timed ?? TimedRating(rating: stars(1), timeMilliseconds: 0))
    #expect(later.isLater(than: row) && !row.isLater(than: later))
    let takeBack = [1, 0] + bytes[2...]
    #expect(throws: CodecError.self) { _ = try UserRating(decoding: takeBack.span.bytes) }
  }

  @Test func aggregatesOfEarlierVersionsAreRead() throws {
    var bytes = encoded(UserAggregate().encode)
    #expect(bytes.removeLast() == 0)
    bytes[0] = 1
    let user = try UserAggregate(decoding: bytes.span.bytes)
    #expect(user == UserAggregate())
  }

  @Test func retractionsReadBack() throws {
    var retractions = Retractions()
    let inserted = [source, source, SourceCoordinates(partition: .max, offset: .max)].map {
      retractions.insert($0)
    }
    #expect(inserted == [.new, .known, .new])
    let read = try Retractions(decoding: encoded(retractions.encode).span.bytes)
    #expect(read == retractions && read.contains(source))
  }

  @Test func whatIsKeptOutReadsBackWithTheNewestFirst() throws {
    var keptOut = KeptOut()
    let limit = Int64(KeptOut.limit)
    for time in (0...limit + 5).map({ ($0 * 7) % (limit + 6) }) + [3, limit] {
      keptOut.insert(
        UserRating(
          rating: time % 2 == 0 ? nil : HalfStars(rawValue: 7), timeMilliseconds: time,
          genres: GenreSet(rawValue: 5),
          source: SourceCoordinates(partition: .max, offset: .max - time)))
    }
    #expect(keptOut.statements.map(\.timeMilliseconds) == (6...limit + 5).reversed())
    let bytes = encoded(keptOut.encode)
    #expect(bytes.count < 50_000)
    #expect(try KeptOut(decoding: bytes.span.bytes) == keptOut)
    var retractions = Retractions()
    _ = retractions.insert(SourceCoordinates(partition: .max, offset: .max - limit - 5))
    #expect(keptOut.newest(besides: retractions)?.timeMilliseconds == limit + 4)
  }

  @Test func aRowIsSmall() {
    let row = UserRating(
      rating: stars(4), timeMilliseconds: 1_700_000_000_000, genres: GenreSet(rawValue: 0b1011),
      source: SourceCoordinates(partition: 3, offset: 300),
      recordTimeMilliseconds: 1_700_000_000_050)
    #expect(
      encoded(row.encode)
        == [2, 0x28, 0x80, 0xA0, 0xAB, 0xFE, 0xF9, 0x62, 0x0B, 100, 3, 0xAC, 0x02])
  }

  @Test func dictionariesReadBack() throws {
    var dictionary = GenreDictionary()
    for name in ["Drama", "Film-Noir", "Comédie"] { _ = dictionary.number(of: name) }
    let read = try GenreDictionary(decoding: encoded(dictionary.encode).span.bytes)
    #expect(read == dictionary && read.names.count == 3)
  }

  @Test func refusesAnotherVersion() {
    var bytes = encoded(UserAggregate().encode)
    bytes[0] = 3
    #expect(throws: CodecError.self) { _ = try UserAggregate(decoding: bytes.span.bytes) }
    #expect(throws: CodecError.self) { _ = try MovieAggregate(decoding: bytes.span.bytes) }
    #expect(throws: CodecError.self) { _ = try UserRating(decoding: bytes.span.bytes) }
    #expect(throws: CodecError.self) { _ = try GenreDictionary(decoding: bytes.span.bytes) }
  }

  /// Every shorter and every longer value is refused; random ones are refused or read, never worse.
  @Test func survivesGarbage() throws {
    var generator = SeededGenerator(seed: 11)
    var user = UserAggregate()
    for _ in 0..<50 {
      let row = randomRow(&generator)
      _ = user.apply(old: nil, new: row, movie: .random(in: 0...99, using: &generator))
    }
    let bytes = encoded(user.encode)
    for length in 0..<bytes.count {
      let short = Array(bytes[..<length])
      #expect(throws: CodecError.self) { _ = try UserAggregate(decoding: short.span.bytes) }
    }
    let long = bytes + [0]
    #expect(throws: CodecError.self) { _ = try UserAggregate(decoding: long.span.bytes) }
    var readable = 0
    for _ in 0..<20_000 {
      var damaged = bytes
      damaged[Int.random(in: 0..<bytes.count, using: &generator)] = .random(
        in: 0...255, using: &generator)
      guard var read = try? UserAggregate(decoding: damaged.span.bytes) else { continue }
      readable += 1
      let row = randomRow(&generator)
      _ = read.apply(old: row, new: randomRow(&generator), movie: 1)
      #expect(read.statistics.sampleStandardDeviation.isFinite)
    }
    #expect(readable > 0)
  }

  private func randomRow(_ generator: inout SeededGenerator) -> UserRating {
    UserRating(
      rating: HalfStars(rawValue: .random(in: 0...10, using: &generator)),
      timeMilliseconds: .random(in: 1_600_000_000_000...1_610_000_000_000, using: &generator),
      genres: GenreSet(rawValue: generator.next() & generator.next() & generator.next()),
      source: SourceCoordinates(
        partition: .random(in: 0...9, using: &generator),
        offset: .random(in: 0...99_999, using: &generator)),
      recordTimeMilliseconds: .random(in: -1...1_700_000_000_000, using: &generator),
      hasRetractions: Bool.random(using: &generator))
  }
}
