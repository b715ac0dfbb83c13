import EventLog
import Recommender
import Simulation
import Testing

@testable import Pipeline

/// Ratings folded the plain way: a dictionary of those that stand, everything else computed from it.
struct FeatureOracle {
  struct Rating: Hashable {
    var stars: Double
    var milliseconds: Int64
    var genres: Set<String>
  }

  /// What an event of `user-ratings` says; `stars: nil` takes the rating back.
  struct Event {
    var user: Int64
    var movie: Int64
    var stars: Double?
    var milliseconds: Int64
    var genres: Set<String>
  }

  private(set) var ratings: [Int64: [Int64: Rating]] = [:]
  /// All users and movies that were ever rated.
  private(set) var users: Set<Int64> = []
  private(set) var movies: Set<Int64> = []
  private(set) var lastChange: [Int64: Int64] = [:]
  private(set) var duplicates = 0
  private(set) var changes = 0

  mutating func apply(_ event: Event) {
    let new = event.stars.map {
      Rating(stars: $0, milliseconds: event.milliseconds, genres: event.genres)
    }
    guard ratings[event.user]?[event.movie] != new else {
      if new != nil { duplicates += 1 }
      return
    }
    ratings[event.user, default: [:]][event.movie] = new
    users.insert(event.user)
    movies.insert(event.movie)
    lastChange[event.user] = event.milliseconds
    changes += 1
  }

  func ratings(ofUser user: Int64) -> [Rating] { (ratings[user] ?? [:]).values.map(\.self) }

  func ratings(ofMovie movie: Int64) -> [Rating] { ratings.values.compactMap { $0[movie] } }

  // MARK: Features

  struct Expected {
    var count: Double
    var mean: Double
    var sampleDeviation: Double
    var populationDeviation: Double
    var minimum: Double
    var maximum: Double
    var first: Int64
    var last: Int64
    var daysActive: Int64
    var recentCount: Int64

    /// - Parameter ratings: at least one.
    init(_ ratings: [Rating]) {
      let stars = ratings.map(\.stars)
      let times = ratings.map(\.milliseconds)
      let day: Int64 = 86_400_000
      count = Double(ratings.count)
      let mean = stars.reduce(0, +) / count
      self.mean = mean
      let squares = stars.map { ($0 - mean) * ($0 - mean) }.reduce(0, +)
      populationDeviation = (squares / count).squareRoot()
      sampleDeviation = ratings.count < 2 ? 0 : (squares / (count - 1)).squareRoot()
      minimum = stars.min() ?? 0
      maximum = stars.max() ?? 0
      first = times.min() ?? 0
      let last = times.max() ?? 0
      self.last = last
      daysActive = (last - first) / day
      recentCount = Int64(times.count { $0 / day > last / day - 30 })
    }

    func differences(from found: RatingFeatures) -> [String] {
      func check(_ name: String, _ a: Double, _ b: Double) -> String? {
        abs(a - b) < 1e-9 ? nil : "\(name) is \(b), not \(a)"
      }
      func check(_ name: String, _ a: Int64, _ b: Int64) -> String? {
        a == b ? nil : "\(name) is \(b), not \(a)"
      }
      return [
        check("count", count, Double(found.count)), check("mean", mean, found.mean),
        check("sample deviation", sampleDeviation, found.sampleStandardDeviation),
        check("population deviation", populationDeviation, found.populationStandardDeviation),
        check("minimum", minimum, found.minimum), check("maximum", maximum, found.maximum),
        check("range", maximum - minimum, found.range),
        check("first time", first, found.firstRatingMilliseconds),
        check("last time", last, found.lastRatingMilliseconds),
        check("days active", daysActive, found.daysActive),
        check("recent count", recentCount, found.recentCount),
      ].compactMap(\.self)
    }
  }

  /// The genre with the most ratings, ties by name.
  func favoriteGenre(ofUser user: Int64) -> (name: String, count: Int, mean: Double)? {
    let ratings = ratings(ofUser: user)
    let names = Set(ratings.flatMap(\.genres)).sorted()
    let shares = names.map { name in
      let stars = ratings.filter { $0.genres.contains(name) }.map(\.stars)
      return (name: name, count: stars.count, mean: stars.reduce(0, +) / Double(stars.count))
    }
    let most = shares.map(\.count).max()
    return shares.first { $0.count == most }
  }

  /// (C·m + R·v) / (C + v) of each rated movie.
  func quality(ofMovie movie: Int64) -> Double {
    let all = ratings.values.flatMap(\.values).map(\.stars)
    let rated = movies.count { !ratings(ofMovie: $0).isEmpty }
    let weight = Double(all.count) / Double(rated)
    let mean = all.reduce(0, +) / Double(all.count)
    let own = ratings(ofMovie: movie).map(\.stars)
    return (weight * mean + own.reduce(0, +)) / (weight + Double(own.count))
  }

  // MARK: Comparison

  /// Compares the newest records of `user-features` and `movie-features`.
  func check(_ chain: Chain, _ comment: Comment) throws {
    let userRecords = try chain.newest(Topics.userFeatures)
    #expect(Set(userRecords.keys) == Set(users.map { Array("\($0)".utf8) }), comment)
    for user in users {
      try check(user: user, userRecords[Array("\(user)".utf8)], comment)
    }
    let movieRecords = try chain.newest(Topics.movieFeatures)
    #expect(Set(movieRecords.keys) == Set(movies.map { Array("\($0)".utf8) }), comment)
    for movie in movies {
      try check(movie: movie, movieRecords[Array("\(movie)".utf8)], comment)
    }
  }

  private func check(user: Int64, _ record: MemoryRecord?, _ comment: Comment) throws {
    let ratings = ratings(ofUser: user)
    guard !ratings.isEmpty else {
      #expect(record != nil && record?.value == nil, "a tombstone of user \(user), \(comment)")
      return
    }
    let value = try #require(record?.value, "features of user \(user), \(comment)")
    var parser = UserFeaturesParser()
    let found = try parser.parse(value.span.bytes)
    #expect(found.user == user, comment)
    let differences = Expected(ratings).differences(from: found.ratings)
    #expect(differences.isEmpty, "user \(user): \(differences), \(comment)")
    let favorite = favoriteGenre(ofUser: user)
    #expect(found.favoriteGenre == favorite?.name, "user \(user), \(comment)")
    #expect(found.favoriteGenreCount == Int64(favorite?.count ?? 0), "user \(user), \(comment)")
    #expect(
      abs(found.favoriteGenreMean - (favorite?.mean ?? 0)) < 1e-9, "user \(user), \(comment)")
    #expect(found.eventTimeMilliseconds == lastChange[user], "user \(user), \(comment)")
  }

  private func check(movie: Int64, _ record: MemoryRecord?, _ comment: Comment) throws {
    let ratings = ratings(ofMovie: movie)
    guard !ratings.isEmpty else {
      #expect(record != nil && record?.value == nil, "a tombstone of movie \(movie), \(comment)")
      return
    }
    let value = try #require(record?.value, "features of movie \(movie), \(comment)")
    var parser = MovieFeaturesParser()
    let found = try parser.parse(value.span.bytes)
    #expect(found.movie == movie, comment)
    let differences = Expected(ratings).differences(from: found.ratings)
    #expect(differences.isEmpty, "movie \(movie): \(differences), \(comment)")
    #expect(abs(found.qualityScore - quality(ofMovie: movie)) < 1e-9, "movie \(movie), \(comment)")
  }
}
