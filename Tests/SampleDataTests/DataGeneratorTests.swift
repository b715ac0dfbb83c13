import Codecs
import Ratings
import Recommender
import Testing

@testable import SampleData

@Suite struct DataGeneratorTests {
  private static func settings(_ change: (inout RatingGenerator.Settings) -> Void = { _ in })
    -> RatingGenerator.Settings
  {
    var settings = RatingGenerator.Settings()
    settings.users = 2_000
    settings.movies = 500
    settings.events = 20_000
    change(&settings)
    return settings
  }

  private static func values(_ settings: RatingGenerator.Settings, count: Int) -> [[UInt8]?] {
    var generator = RatingGenerator(settings)
    return (0..<count).map { _ in
      generator.next()
      return copy(generator.value)
    }
  }

  @Test func sameSeedGivesTheSameBytesAndAnotherSeedOthers() {
    let mixed = Self.settings {
      $0.invalidShare = 0.05
      $0.reRatingShare = 0.05
      $0.retractionShare = 0.02
    }
    var other = mixed
    other.seed = 2
    let values = Self.values(mixed, count: 5_000)
    #expect(values == Self.values(mixed, count: 5_000))
    #expect(values != Self.values(other, count: 5_000))
  }

  @Test func theFirstEventIsWrittenAsUsersWriteIt() throws {
    let value = try #require(Self.values(Self.settings(), count: 1)[0])
    let text = String(decoding: value, as: UTF8.self)
    let shape =
      #/\{"user_id":[0-9]+,"movie_id":[0-9]+,"rating":[0-5]\.[05],"timestamp":1420070400\}/#
    #expect(text.wholeMatch(of: shape) != nil, "\(text)")
  }

  @Test func validEventsAreValidAndInvalidOnesAreNot() {
    var generator = RatingGenerator(
      Self.settings {
        $0.invalidShare = 0.3
        $0.reRatingShare = 0.1
        $0.retractionShare = 0.1
      })
    var validator = EventValidator()
    var seen: Set<InvalidEvent> = []
    let origin = SourceCoordinates(partition: 0, offset: 0)
    for _ in 0..<20_000 {
      generator.next()
      let verdict = validator.validate(
        value: generator.value, recordTimestampMilliseconds: 1_800_000_000_000, source: origin)
      switch (generator.kind, verdict) {
      case (.invalid(let fault), .invalid): seen.insert(fault)
      case (.invalid(let fault), .valid), (.invalid(let fault), .silent):
        Issue.record("\(fault) passes for valid")
      case (_, .invalid(let failed, _)): Issue.record("a valid event fails \(failed.joinedNames)")
      case (_, .silent): Issue.record("a valid event says nothing")
      case (let kind, .valid(let event, let coerced)):
        #expect(coerced.isEmpty)
        #expect((event.rating == nil) == (kind == .retraction))
        #expect(event.user == generator.user)
      }
    }
    #expect(seen == Set(InvalidEvent.allCases))
  }

  @Test func sharesAreThoseAskedFor() {
    var generator = RatingGenerator(
      Self.settings {
        $0.events = 100_000
        $0.invalidShare = 0.01
        $0.reRatingShare = 0.05
        $0.retractionShare = 0.02
      })
    var invalid = 0
    var reRatings = 0
    var retractions = 0
    for _ in 0..<100_000 {
      generator.next()
      switch generator.kind {
      case .invalid: invalid += 1
      case .reRating: reRatings += 1
      case .retraction: retractions += 1
      case .rating: break
      }
    }
    // Five standard deviations of the binomial law are 157, 345 and 221.
    #expect(abs(invalid - 1_000) < 157)
    #expect(abs(reRatings - 5_000) < 345)
    #expect(abs(retractions - 2_000) < 221)
  }

  @Test func aFewUsersAndMoviesHaveMostOfTheRatings() {
    let count = 200_000
    var settings = RatingGenerator.Settings()
    settings.users = 1_377
    settings.movies = 2_623
    settings.events = count
    var generator = RatingGenerator(settings)
    var parser = FlatJSONParser(fields: ["user_id", "movie_id", "rating"])
    var perUser: [Int64: Int] = [:]
    var perMovie: [Int64: Int] = [:]
    var stars = 0.0
    var squares = 0.0
    for _ in 0..<count {
      generator.next()
      guard let value = generator.value, (try? parser.parse(value)) != nil,
        let user = parser.integer(0), let movie = parser.integer(1), let rating = parser.double(2)
      else {
        Issue.record("a valid event does not parse")
        return
      }
      perUser[user, default: 0] += 1
      perMovie[movie, default: 0] += 1
      stars += rating
      squares += rating * rating
    }
    let users = perUser.values.sorted()
    let movies = perMovie.values.sorted(by: >)
    #expect(perUser.keys.allSatisfy { (1...1_377).contains($0) })
    #expect(perMovie.keys.allSatisfy { (1...2_623).contains($0) })
    // MovieLens 20M: the median is half of the mean, the top user has more than thirty times it.
    let mean = Double(count) / 1_377
    #expect((0.35...0.65).contains(Double(users[users.count / 2]) / mean))
    #expect(users[users.count - 1] > Int(8 * mean))
    // The most popular tenth of its movies has some three quarters of its ratings or more.
    let top = movies.prefix(262).reduce(0, +)
    #expect((0.6...0.95).contains(Double(top) / Double(count)))
    let ratingMean = stars / Double(count)
    let deviation = (squares / Double(count) - ratingMean * ratingMean).squareRoot()
    #expect((3.4...3.65).contains(ratingMean))
    #expect((0.95...1.15).contains(deviation))
  }

  @Test func aPairIsRatedOnceUnlessAskedFor() {
    var generator = RatingGenerator(Self.settings { $0.users = 20_000 })
    var parser = FlatJSONParser(fields: ["user_id", "movie_id"])
    var pairs: Set<[Int64]> = []
    for _ in 0..<20_000 {
      generator.next()
      guard let value = generator.value, (try? parser.parse(value)) != nil,
        let user = parser.integer(0), let movie = parser.integer(1)
      else {
        Issue.record("a valid event does not parse")
        return
      }
      pairs.insert([user, movie])
    }
    #expect(pairs.count == 20_000)
  }

  /// A fixed interval made the events of a large bench lie in the future, where none is valid.
  @Test(arguments: [1, 1_000, 2_000_000, 8_000_000, 1_000_000_000])
  func theEventsExpectedFillTheTimes(events: Int) {
    let settings = Self.settings { $0.events = events }
    var generator = RatingGenerator(settings)
    for _ in 0..<min(events, 1_000) { generator.next() }
    let passed = Double(generator.nextTimeMilliseconds - settings.times.lowerBound)
    let share = Double(generator.count) / Double(events)
    #expect(abs(passed - share * Double(settings.times.count)) <= 1)
    #expect(settings.times.upperBound < 1_640_995_200_000, "the end of 2021")
  }

  @Test func eventTimeOnlyRisesAndTheCallerMaySetIt() {
    let start: Int64 = 1_420_070_400_000
    var generator = RatingGenerator(
      Self.settings { $0.times = start..<start + 1_500 * Int64($0.events) })
    generator.next()
    #expect(generator.nextTimeMilliseconds == 1_420_070_401_500)
    generator.next()
    #expect(text(of: generator).hasSuffix(#""timestamp":1420070401}"#))
    generator.next(timeMilliseconds: 1_700_000_000_042)
    #expect(text(of: generator).hasSuffix(#""timestamp":1700000000.042}"#))
  }

  @Test func moviesHaveTitlesAndGenres() throws {
    let movies = MovieGenerator(count: 300, seed: 7)
    let known = Set(MovieGenerator.genres.map(\.name.description))
    var parser = FlatJSONParser(fields: ["movie_id", "title", "genres"])
    for id in Int64(1)...300 {
      var value: [UInt8] = []
      movies.append(id, to: &value)
      var again: [UInt8] = []
      MovieGenerator(count: 300, seed: 7).append(id, to: &again)
      #expect(value == again)
      try parser.parse(value.span.bytes)
      let (number, title) = (parser.integer(0), parser.string(1) ?? "")
      let genres = (parser.string(2) ?? "").split(separator: "|").map(String.init)
      #expect(number == id)
      #expect(title.hasSuffix(")") && title.count > 10)
      #expect((1...3).contains(genres.count) && known.isSuperset(of: genres))
      #expect(genres == genres.sorted())
    }
  }

  @Test func aliasTableDrawsByWeight() {
    let weights = [1.0, 0, 5, 2, 8]
    let table = AliasTable(weights: weights)
    var random = SeededRandom(seed: 3)
    var counts = [0, 0, 0, 0, 0]
    for _ in 0..<160_000 { counts[table.index(of: random.next())] += 1 }
    for (count, weight) in zip(counts, weights) {
      #expect(abs(Double(count) - weight * 10_000) < 1_000)
    }
    #expect(counts[1] == 0)
  }
}

private func copy(_ bytes: RawSpan?) -> [UInt8]? {
  guard let bytes else { return nil }
  return bytes.withUnsafeBytes { Array($0) }
}

private func text(of generator: borrowing RatingGenerator) -> String {
  String(decoding: copy(generator.value) ?? [], as: UTF8.self)
}
