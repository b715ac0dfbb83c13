import Ratings
import TestSupport
import Testing

/// The same statistics, computed from the list of ratings each time.
private struct NaiveStatistics {
  var ratings: [TimedRating] = []

  var stars: [Double] { ratings.map(\.rating.stars) }
  var mean: Double { stars.isEmpty ? 0 : stars.reduce(0, +) / Double(stars.count) }

  func deviation(divisor: Int) -> Double {
    guard divisor > 0 else { return 0 }
    let squares = stars.map { ($0 - mean) * ($0 - mean) }.reduce(0, +)
    return (squares / Double(divisor)).squareRoot()
  }

  var recentCount: Int {
    guard let last = ratings.map(\.timeMilliseconds).max() else { return 0 }
    let day = 86_400_000 as Int64
    return ratings.count { last / day - $0.timeMilliseconds / day < 30 }
  }
}

private func expectEqual(_ statistics: RatingStatistics, _ naive: NaiveStatistics) {
  let times = naive.ratings.map(\.timeMilliseconds)
  let count = naive.ratings.count
  #expect(statistics.count == count)
  #expect(abs(statistics.mean - naive.mean) < 1e-12)
  #expect(abs(statistics.populationStandardDeviation - naive.deviation(divisor: count)) < 1e-12)
  #expect(abs(statistics.sampleStandardDeviation - naive.deviation(divisor: count - 1)) < 1e-12)
  #expect(statistics.minimum?.stars == naive.stars.min())
  #expect(statistics.maximum?.stars == naive.stars.max())
  #expect(statistics.firstRatingMilliseconds == times.min())
  #expect(statistics.lastRatingMilliseconds == times.max())
  #expect(statistics.recentCount == naive.recentCount)
  if let first = times.min(), let last = times.max() {
    #expect(statistics.daysActive == (last - first) / 86_400_000)
  } else {
    #expect(statistics.daysActive == 0)
  }
}

private func randomRating(_ generator: inout SeededGenerator, days: Int64) -> TimedRating {
  TimedRating(
    rating: HalfStars(rawValue: .random(in: 1...10, using: &generator)) ?? stars(1),
    timeMilliseconds: 789_000_000_000
      + .random(in: 0...(days * EventTime.millisecondsPerDay), using: &generator))
}

@Suite struct RatingStatisticsTests {
  @Test(arguments: 0..<60 as Range<UInt64>)
  func agreesWithTheNaiveOracle(seed: UInt64) {
    var generator = SeededGenerator(seed: seed)
    var movie = MovieAggregate()
    var naive = NaiveStatistics()
    let days: Int64 = [1, 40, 400, 9000][Int(seed % 4)]
    var changes: UInt64 = 0
    for _ in 0..<150 {
      let index = naive.ratings.indices.randomElement(using: &generator)
      let new = randomRating(&generator, days: days)
      let mustRescan: Bool
      switch (Int.random(in: 0..<10, using: &generator), index) {
      case (0..<3, let index?):
        mustRescan = movie.apply(old: naive.ratings.remove(at: index), new: nil)
      case (3..<6, let index?):
        mustRescan = movie.apply(old: naive.ratings[index], new: new)
        naive.ratings[index] = new
      default:
        naive.ratings.append(new)
        mustRescan = movie.apply(old: nil, new: new)
      }
      if mustRescan {
        movie.resetTimes()
        for rating in naive.ratings.shuffled(using: &generator) {
          movie.noteTime(rating.timeMilliseconds)
        }
      }
      expectEqual(movie.statistics, naive)
      changes = naive.ratings.isEmpty ? 0 : changes + 1
      #expect(movie.version == changes)
    }
  }

  /// However the ratings came about, the same ratings give the same bytes.
  @Test(arguments: 0..<20 as Range<UInt64>)
  func equalRatingsAreEqualBytes(seed: UInt64) {
    var generator = SeededGenerator(seed: seed)
    let ratings = (0..<40).map { _ in randomRating(&generator, days: 60) }
    var (inOrder, shuffled) = (MovieAggregate(), MovieAggregate())
    for rating in ratings { _ = inOrder.apply(old: nil, new: rating) }
    for rating in ratings.shuffled(using: &generator) { _ = shuffled.apply(old: nil, new: rating) }
    #expect(inOrder == shuffled)
    #expect(encoded(inOrder.encode) == encoded(shuffled.encode))
  }

  @Test func takingBackWhatIsNotThereChangesNothing() {
    var statistics = RatingStatistics()
    let isRescan = statistics.retract(stars(3), timeMilliseconds: 5)
    #expect(!isRescan && statistics == RatingStatistics())
  }

  @Test func oneRatingReplacedNeedsNoRescan() {
    var statistics = RatingStatistics()
    statistics.add(stars(3), timeMilliseconds: 5)
    let isRescan = statistics.replace(
      TimedRating(rating: stars(3), timeMilliseconds: 5),
      with: TimedRating(rating: stars(4), timeMilliseconds: 3))
    #expect(!isRescan)
    #expect(statistics.firstRatingMilliseconds == 3 && statistics.lastRatingMilliseconds == 3)
  }

  @Test func pythonAgrees() {
    // Python: statistics.pstdev([.5, 3, 3, 5]) and statistics.stdev(…).
    var statistics = RatingStatistics()
    for value in [0.5, 3, 3, 5] { statistics.add(stars(value), timeMilliseconds: 0) }
    #expect(statistics.mean == 2.875)
    #expect(abs(statistics.populationStandardDeviation - 1.595893166850463) < 1e-15)
    #expect(abs(statistics.sampleStandardDeviation - 1.8427786989579984) < 1e-15)
  }
}

@Suite struct UserAggregateTests {
  @Test func favoriteGenreHasMostRatingsAndTiesGoByName() {
    var dictionary = GenreDictionary()
    let war = set(&dictionary, "War")
    let both = set(&dictionary, "War", "Drama")
    var user = UserAggregate()
    #expect(user.genres.favorite(in: dictionary) == nil)
    let first = UserRating(
      timed: TimedRating(rating: stars(5), timeMilliseconds: 1), genres: both)
    let second = UserRating(
      timed: TimedRating(rating: stars(2), timeMilliseconds: 2), genres: war)
    _ = user.apply(old: nil, new: first, movie: 1)
    #expect(user.genres.favorite(in: dictionary)?.name == "Drama")
    _ = user.apply(old: nil, new: second, movie: 2)
    let favorite = user.genres.favorite(in: dictionary)
    #expect(favorite?.name == "War" && favorite?.count == 2 && favorite?.mean == 3.5)
    _ = user.apply(old: second, new: UserRating(takenBackAt: 3), movie: 2)
    _ = user.apply(old: first, new: UserRating(takenBackAt: 4), movie: 1)
    #expect(user.genres.favorite(in: dictionary) == nil)
    #expect(user.genres == GenreTally() && user.statistics == RatingStatistics())
  }

  @Test func whoHasNoRatingsLeftIsRememberedForTheTakeBacks() {
    var (user, movie) = (UserAggregate(), MovieAggregate())
    var stands: UserRating?
    func change(to new: UserRating) {
      _ = user.apply(old: stands, new: new, movie: 7)
      _ = movie.apply(RatingChange(movie: 7, user: 1, from: stands, to: new, source: source))
      stands = new
    }
    #expect(user.isEmpty && movie.isEmpty && !user.mayHaveRated(7))
    for round in 0..<Int64(3) {
      let time = 10 * round
      change(to: UserRating(timed: TimedRating(rating: stars(5), timeMilliseconds: time)))
      #expect(user.version == 1 && movie.version == 1 && user.mayHaveRated(7))
      change(to: UserRating(takenBackAt: time + 5))
      #expect(user.version == 0 && movie.version == 0 && user.mayHaveRated(7))
      #expect(!user.isEmpty && !movie.isEmpty && user.statistics == RatingStatistics())
      #expect(user.eventTimeMilliseconds == time + 5 && movie.eventTimeMilliseconds == time + 5)
    }
  }

  @Test func aTakeBackThatIsUndoneLeavesNoTime() {
    var (user, movie) = (UserAggregate(), MovieAggregate())
    let rating = UserRating(timed: TimedRating(rating: stars(5), timeMilliseconds: 3))
    let future = UserRating(takenBackAt: 4_000)
    let repair = UserRating(takenBackAt: 5)
    _ = user.apply(old: nil, new: rating, movie: 1)
    _ = movie.apply(RatingChange(movie: 1, user: 1, from: nil, to: rating, source: source))
    for (old, new) in [(rating, future), (future, repair)] {
      let mustRescan = user.apply(old: old, new: new, movie: 1)
      #expect(mustRescan == (new == repair))
      let change = RatingChange(movie: 1, user: 1, from: old, to: new, source: source)
      #expect(movie.losesNewestTakeBack(to: change) == (new == repair))
      if new == repair { movie.replaceNewestTakeBack(by: nil) }
      _ = movie.apply(change)
    }
    user.resetTimes()
    user.note(repair)
    #expect(user.eventTimeMilliseconds == 5 && movie.eventTimeMilliseconds == 5)
  }

  @Test func aFullDictionaryNumbersNoMore() {
    var dictionary = GenreDictionary()
    for number in 0..<64 { #expect(dictionary.number(of: "genre \(number)") == UInt8(number)) }
    #expect(dictionary.number(of: "one more") == nil)
    #expect(dictionary.number(of: "genre 63") == 63)
  }

  private func set(_ dictionary: inout GenreDictionary, _ names: String...) -> GenreSet {
    var set = GenreSet()
    for name in names {
      if let number = dictionary.number(of: name) { set.insert(number) }
    }
    return set
  }
}
