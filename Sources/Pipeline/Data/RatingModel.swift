import Glibc
import Ratings
import Recommender

/// Who rates, what is rated and how, shaped like MovieLens 20M (Harper and Konstan, "The MovieLens
/// Datasets", 2015): few users and few movies make up most of the ratings.
struct RatingModel: Sendable {
  /// How many ratings of each value there are in MovieLens 20M, in thousandths, from 0.5 to 5.0.
  static let ratingShares: [Double] = [12, 34, 14, 72, 44, 214, 110, 278, 77, 145]
  /// Standard deviation of the logarithm of a user's number of ratings: median 68 and mean 145.
  private static let activitySpread = 1.23
  /// In those deviations: 20 ratings, the fewest of any user, and 9,200, the most.
  private static let activityRange = -1.0...4.0
  /// The share of the r-th most popular of M movies falls as exp(-decay · (r / M)^exponent): 67,000
  /// ratings for the first, 10,000 for the 460th, 1,000 for the 3,200th, 100 for the 8,500th.
  private static let popularityDecay = 10.9
  private static let popularityExponent = 0.45
  /// Standard deviations of a movie's quality and of a user's leaning, in stars.
  private static let qualitySpread = 0.45
  private static let leaningSpread = 0.4
  /// With this one, in stars, all ratings together spread as those of MovieLens: 1.05.
  private static let opinionSpread = 1.42

  private static let levelsPerStar = 16.0
  private static let levels = 64

  private let users: AliasTable
  private let movies: AliasTable
  /// In levels around 0.
  private let leanings: [Int8]
  private let qualities: [Int8]
  /// For each level of quality plus leaning, the rating of each of 256 equal chances.
  private let ratings: [HalfStars]

  init(users userCount: Int, movies movieCount: Int, seed: UInt64) {
    var random = SeededRandom(seed: seed)
    users = AliasTable(
      weights: (0..<userCount).map { _ in
        let range = Self.activityRange
        return exp(
          Self.activitySpread * min(max(random.normal(), range.lowerBound), range.upperBound))
      })
    var ranks = Array(1...movieCount)
    ranks.shuffle(using: &random)
    movies = AliasTable(
      weights: ranks.map { rank in
        let relative = pow(Double(rank) / Double(movieCount), Self.popularityExponent)
        return exp(-Self.popularityDecay * relative)
      })
    leanings = (0..<userCount).map { _ in Self.level(random.normal() * Self.leaningSpread) }
    qualities = (0..<movieCount).map { _ in Self.level(random.normal() * Self.qualitySpread) }
    ratings = Self.ratingChances()
  }

  /// Draws a user's index, from 0.
  func user(_ random: UInt64) -> Int { users.index(of: random) }

  /// Draws a movie's index, from 0.
  func movie(_ random: UInt64) -> Int { movies.index(of: random) }

  /// Draws what the user thinks of the movie.
  func rating(user: Int, movie: Int, _ random: UInt64) -> HalfStars {
    let level = Int(leanings[user]) + Int(qualities[movie]) + Self.levels / 2
    let row = min(max(level, 0), Self.levels - 1)
    return ratings[row << 8 | Int(random >> 56)]
  }

  private static func level(_ stars: Double) -> Int8 {
    Int8(min(max((stars * levelsPerStar).rounded(), -127), 127))
  }

  private static func ratingChances() -> [HalfStars] {
    let mean = expectation(of: ratingShares)
    return (0..<levels).flatMap { level in
      let target = mean + Double(level - levels / 2) / levelsPerStar
      return evenly(shares(mean: min(max(target, 0.75), 4.75)), over: 256)
    }
  }

  /// The shares of MovieLens seen through a bell curve, which is moved until they have this mean.
  private static func shares(mean: Double) -> [Double] {
    var low = -20.0
    var high = 25.0
    while true {
      let center = (low + high) / 2
      let shares = ratingShares.enumerated().map { index, share in
        let distance = (stars(index) - center) / opinionSpread
        return share * exp(-distance * distance / 2)
      }
      if high - low < 1e-6 { return shares }
      if expectation(of: shares) < mean { low = center } else { high = center }
    }
  }

  private static func stars(_ bucket: Int) -> Double { Double(bucket + 1) / 2 }

  private static func expectation(of shares: [Double]) -> Double {
    shares.enumerated().reduce(0) { $0 + stars($1.offset) * $1.element } / shares.reduce(0, +)
  }

  /// Fills `count` chances with ratings in proportion to their weights.
  private static func evenly(_ weights: [Double], over count: Int) -> [HalfStars] {
    let total = weights.reduce(0, +)
    var sum = weights[0]
    var value: UInt8 = 1
    return (0..<count).compactMap { chance in
      while Int(value) < weights.count, (Double(chance) + 0.5) / Double(count) * total > sum {
        sum += weights[Int(value)]
        value += 1
      }
      return HalfStars(rawValue: value)
    }
  }
}
