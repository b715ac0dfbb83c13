import Codecs
public import Ratings
public import Simulation

/// A plain fold of ratings: a list of all that was said, searched for the newest of each user and
/// movie, from which all else is computed.
public struct FeatureOracle {
  public struct Rating: Hashable, Sendable {
    public var stars: Double
    public var milliseconds: Int64
    public var genres: Set<String>
  }

  /// An event of `user-ratings`; `stars: nil` takes the rating back.
  public struct Event: Hashable, Sendable {
    public var user: Int64
    public var movie: Int64
    public var stars: Double?
    public var milliseconds: Int64
    public var genres: Set<String>
    public var source: SourceCoordinates
    /// The record's time; -1 for none.
    public var recordMilliseconds: Int64
    /// The event that a take-back names.
    public var retracts: SourceCoordinates?

    public init(
      user: Int64, movie: Int64, stars: Double?, milliseconds: Int64, genres: Set<String>,
      source: SourceCoordinates, recordMilliseconds: Int64, retracts: SourceCoordinates? = nil
    ) {
      self.user = user
      self.movie = movie
      self.stars = stars
      self.milliseconds = milliseconds
      self.genres = genres
      self.source = source
      self.recordMilliseconds = recordMilliseconds
      self.retracts = retracts
    }

    fileprivate var place: (Int64, Int64, Int32, Int64) {
      (milliseconds, recordMilliseconds, source.partition, source.offset)
    }

    fileprivate func saysTheSame(as other: Event) -> Bool {
      stars == other.stars && milliseconds == other.milliseconds
        && (stars == nil || genres == other.genres)
    }
  }

  struct Pair: Hashable {
    var user: Int64
    var movie: Int64
  }

  private var said: [Pair: [Event]] = [:]
  /// The events taken back by name, as many as there is room for.
  private var retracted: [Pair: Set<SourceCoordinates>] = [:]
  /// All users and movies of which anything was said.
  public private(set) var users: Set<Int64> = []
  public private(set) var movies: Set<Int64> = []
  /// Events that repeat what stands, and those that something newer stands against, when they come.
  public private(set) var duplicates = 0
  public private(set) var late = 0
  /// Take-backs that name one event too many.
  public private(set) var refused = 0
  public private(set) var changes = 0

  public init() {}

  /// What stands, by user and movie.
  var standing: [Pair: Event] {
    var standing: [Pair: Event] = [:]
    for pair in said.keys { standing[pair] = newest(pair) }
    return standing
  }

  private func newest(_ pair: Pair) -> Event? {
    (said[pair] ?? []).filter { !isRetracted($0, pair) }.max { $0.place < $1.place }
  }

  private func isRetracted(_ event: Event, _ pair: Pair) -> Bool {
    retracted[pair]?.contains(event.source) == true
  }

  /// - Returns: whether the event that is named was not named before; `nil` if there is no room.
  private mutating func retract(_ named: SourceCoordinates, _ pair: Pair) -> Bool? {
    let names = retracted[pair] ?? []
    if names.contains(named) { return false }
    guard names.count < Retractions.limit else { return nil }
    retracted[pair, default: []].insert(named)
    return true
  }

  public mutating func apply(_ event: Event) {
    let pair = Pair(user: event.user, movie: event.movie)
    let before = newest(pair)
    users.insert(event.user)
    movies.insert(event.movie)
    said[pair, default: []].append(event)
    let isNews = event.retracts.map { retract($0, pair) } ?? false
    if isNews == nil { refused += 1 }
    if changes(from: before, to: newest(pair), pair) {
      changes += 1
    } else if isNews != false {
      return
    } else if let before, !isRetracted(event, pair),
      before.source == event.source || event.saysTheSame(as: before)
    {
      duplicates += 1
    } else {
      late += 1
    }
  }

  private func changes(from before: Event?, to after: Event?, _ pair: Pair) -> Bool {
    guard let before else { return after != nil || said[pair]?.count == 1 }
    guard let after else { return true }
    guard after.source != before.source else { return false }
    return isRetracted(before, pair) || !after.saysTheSame(as: before)
  }

  public func ratings(ofUser user: Int64) -> [Rating] {
    standing.filter { $0.key.user == user }.values.compactMap(Self.rating)
  }

  public func ratings(ofMovie movie: Int64) -> [Rating] {
    standing.filter { $0.key.movie == movie }.values.compactMap(Self.rating)
  }

  private static func rating(_ event: Event) -> Rating? {
    event.stars.map {
      Rating(stars: $0, milliseconds: event.milliseconds, genres: event.genres)
    }
  }

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

  /// The genre with the most ratings, the first by name on a tie.
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
    let all = standing.values.compactMap(\.stars)
    let rated = movies.count { !ratings(ofMovie: $0).isEmpty }
    let weight = Double(all.count) / Double(rated)
    let mean = all.reduce(0, +) / Double(all.count)
    let own = ratings(ofMovie: movie).map(\.stars)
    return (weight * mean + own.reduce(0, +)) / (weight + Double(own.count))
  }

  // MARK: Comparison

  /// Compares the newest records of `user-features` and `movie-features`, by key.
  ///
  /// - Returns: descriptions of the differences.
  public func differences(
    users userRecords: [[UInt8]: MemoryRecord], movies movieRecords: [[UInt8]: MemoryRecord]
  ) -> [String] {
    var differences: [String] = []
    if Set(userRecords.keys) != Set(users.map { Array("\($0)".utf8) }) {
      differences.append("there are features of \(userRecords.count) users, not \(users.count)")
    }
    for user in users.sorted() {
      let found = self.differences(user: user, userRecords[Array("\(user)".utf8)])
      differences += found.map { "user \(user): \($0)" }
    }
    if Set(movieRecords.keys) != Set(movies.map { Array("\($0)".utf8) }) {
      differences.append("there are features of \(movieRecords.count) movies, not \(movies.count)")
    }
    for movie in movies.sorted() {
      let found = self.differences(movie: movie, movieRecords[Array("\(movie)".utf8)])
      differences += found.map { "movie \(movie): \($0)" }
    }
    return differences
  }

  private func differences(user: Int64, _ record: MemoryRecord?) -> [String] {
    let ratings = ratings(ofUser: user)
    guard let record else { return ["there is no record"] }
    guard !ratings.isEmpty else { return record.value == nil ? [] : ["there is no tombstone"] }
    guard let value = record.value else { return ["there is a tombstone"] }
    var parser = UserFeaturesParser()
    let found: UserFeatures
    do throws(RecordError) { found = try parser.parse(value.span.bytes) } catch {
      return ["the features can't be read: \(error)"]
    }
    var differences = Expected(ratings).differences(from: found.ratings)
    let favorite = favoriteGenre(ofUser: user)
    if found.user != user { differences.append("the user is \(found.user)") }
    if found.favoriteGenre != favorite?.name
      || found.favoriteGenreCount != Int64(favorite?.count ?? 0)
      || abs(found.favoriteGenreMean - (favorite?.mean ?? 0)) >= 1e-9
    {
      differences.append("the favorite genre is not \(favorite?.name ?? "none")")
    }
    let newest = standing.filter { $0.key.user == user }.values.map(\.milliseconds).max()
    if found.eventTimeMilliseconds != newest {
      differences.append("the event time is \(found.eventTimeMilliseconds)")
    }
    return differences
  }

  private func differences(movie: Int64, _ record: MemoryRecord?) -> [String] {
    let ratings = ratings(ofMovie: movie)
    guard let record else { return ["there is no record"] }
    guard !ratings.isEmpty else { return record.value == nil ? [] : ["there is no tombstone"] }
    guard let value = record.value else { return ["there is a tombstone"] }
    var parser = MovieFeaturesParser()
    let found: MovieFeatures
    do throws(RecordError) { found = try parser.parse(value.span.bytes) } catch {
      return ["the features can't be read: \(error)"]
    }
    var differences = Expected(ratings).differences(from: found.ratings)
    if found.movie != movie { differences.append("the movie is \(found.movie)") }
    if abs(found.qualityScore - quality(ofMovie: movie)) >= 1e-9 {
      differences.append("the quality is \(found.qualityScore), not \(quality(ofMovie: movie))")
    }
    let newest = standing.filter { $0.key.movie == movie }.values.map(\.milliseconds).max()
    if found.eventTimeMilliseconds != newest {
      differences.append("the event time is \(found.eventTimeMilliseconds)")
    }
    return differences
  }
}
