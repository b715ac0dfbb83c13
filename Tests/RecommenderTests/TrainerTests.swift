import Glibc
import Testing

@testable import Ratings
@testable import Recommender

@Suite struct TrainerTests {
  static func parameters(_ change: (inout ModelParameters) -> Void = { _ in }) -> ModelParameters {
    var parameters = ModelParameters()
    parameters.factors = 4
    parameters.regularization = 3
    change(&parameters)
    return parameters
  }

  /// Ratings of users with tastes of their own; some rated twice or taken back.
  static func ratings(
    users: Int, movies: Int, each: Int, seed: UInt64
  ) -> RatingMatrix {
    var random = SeededRandom(seed: seed)
    var log = RatingLog()
    for event in 0..<users * each {
      let user = random.below(users)
      log.append(
        user: Int64(1000 - user), movie: Int64(random.below(movies) * 3),
        rating: random.below(20) == 0 ? nil : HalfStars(rawValue: UInt8(1 + random.below(10))),
        timeMilliseconds: Int64(event / 3) * 1000)
    }
    return log.finish()
  }

  static func train(_ ratings: RatingMatrix, _ parameters: ModelParameters, threads: Int = 2)
    throws -> (model: FactorModel, losses: [Double])
  {
    var trainer = Trainer(ratings, parameters: parameters, threads: threads)
    var losses: [Double] = []
    for _ in 0..<parameters.epochs { losses.append(trainer.runEpoch()) }
    var fit = try trainer.finish()
    let model = FactorModel(
      metadata: ModelMetadata(
        version: "v", parameters: parameters, users: ratings.users.count,
        movies: ratings.movies.count, ratings: ratings.count, meanRating: fit.meanRating,
        newestRatingMilliseconds: ratings.newestMilliseconds, loss: losses.last ?? 0,
        doubts: fit.doubts(factors: parameters.factors)),
      contents: fit.contents(parameters))
    return (model, losses)
  }

  // MARK: Factors

  /// Rated movies' vectors times those of others give what the singular vectors of X give.
  @Test(arguments: 1...4 as ClosedRange<UInt64>) func vectorsAreThoseOfTheLargestValues(
    seed: UInt64
  ) throws {
    let ratings = Self.ratings(users: 30, movies: 20, each: 8, seed: seed)
    let parameters = Self.parameters {
      $0.epochs = 200
      $0.trend = 0
      $0.quality = 0
    }
    let (model, losses) = try Self.train(ratings, parameters)
    let doubts = model.metadata.doubts
    let x = NaiveTraining(ratings: ratings, parameters: parameters).preferences
    let counts = ratings.movieCounts.map(Double.init)
    let vectors = model.movies.indices.map { row in
      (0..<4).map { Double(model.factors[row * 4 + $0]) / pow(counts[row], 0.4) }
    }
    var previous = Double.infinity
    var explained = 0.0
    var chance: [Double] = []
    for factor in 0..<4 {
      let vector = vectors.map { $0[factor] }
      let image = x.map { row in zip(row, vector).reduce(0) { $0 + $1.0 * $1.1 } }
      let back = vector.indices.map { movie in
        x.indices.reduce(0.0) { $0 + x[$1][movie] * image[$1] }
      }
      let value = image.reduce(0) { $0 + $1 * $1 }
      #expect(abs(vector.reduce(0) { $0 + $1 * $1 } - 1) < 1e-4)
      for (a, b) in zip(back, vector) { #expect(abs(a - value * b) < 1e-3) }
      #expect(value <= previous + 1e-4)
      previous = value
      chance.append(value * doubts[factor])
      explained += value
    }
    // Each doubt is the next value's share of the factor's own.
    for value in chance { #expect(abs(value - chance[0]) < 1e-3) }
    #expect(chance[0] > 0 && chance[0] <= previous + 1e-3)
    let all = x.joined().reduce(0) { $0 + $1 * $1 }
    // The trainer's own columns are more than those it keeps.
    #expect((losses.last ?? 1) <= 1 - explained / all + 1e-4)
  }

  @Test func theLossFalls() throws {
    let ratings = Self.ratings(users: 300, movies: 120, each: 12, seed: 3)
    let losses = try Self.train(ratings, Self.parameters()).losses
    for (earlier, later) in zip(losses, losses.dropFirst()) { #expect(later < earlier + 1e-6) }
    #expect(losses[0] > losses[losses.count - 1] + 0.01)
  }

  @Test func anyNumberOfThreadsGivesTheSameBytes() throws {
    let ratings = Self.ratings(users: 900, movies: 300, each: 20, seed: 1)
    let parameters = Self.parameters { $0.factors = 16 }
    let one = try Self.train(ratings, parameters, threads: 1)
    for threads in [2, 3, 7] {
      let several = try Self.train(ratings, parameters, threads: threads)
      let (a, b) = (several.model.contents, one.model.contents)
      #expect(a.factors.map(\.bitPattern) == b.factors.map(\.bitPattern))
      #expect(a.scales.map(\.bitPattern) == b.scales.map(\.bitPattern))
      #expect(a.prior.map(\.bitPattern) == b.prior.map(\.bitPattern))
      #expect(a.neighbours == b.neighbours && several.losses == one.losses)
    }
  }

  /// Fewer factors of a fit are the first of those that were trained.
  @Test func aFitHasFewerFactorsToo() throws {
    let ratings = Self.ratings(users: 200, movies: 60, each: 15, seed: 5)
    let large = Self.parameters { $0.factors = 12 }
    var trainer = Trainer(ratings, parameters: large, threads: 2)
    _ = trainer.runEpoch()
    var fit = try trainer.finish()
    let small = fit.contents(Self.parameters { $0.factors = 3 })
    let whole = fit.contents(large)
    #expect(small.prior == Array(whole.prior.prefix(3)) && small.scales == whole.scales)
    for row in ratings.movies.indices {
      #expect(small.factors[row * 3..<row * 3 + 3] == whole.factors[row * 12..<row * 12 + 3])
    }
  }

  // MARK: Neighbours

  @Test(arguments: [0, 4, 10], [0.0, 3.0]) func neighboursAreThoseOfTheFormulas(
    window: Int, halfLife: Double
  ) throws {
    let ratings = Self.ratings(users: 25, movies: 14, each: 16, seed: 8)
    let parameters = Self.parameters {
      $0.window = window
      $0.recencyHalfLife = halfLife
      $0.neighbours = 5
      $0.trend = 0
      $0.quality = 0
    }
    let found = try Self.train(ratings, parameters).model.contents.neighbours
    let weights = NaiveTraining(ratings: ratings, parameters: parameters).weights
    for movie in ratings.movies.indices {
      let expected = ratings.movies.indices.map { (row: $0, weight: weights[$0][movie]) }
        .filter { $0.weight > 0 && $0.row != movie }
        .sorted { $0.weight > $1.weight }.prefix(5).sorted { $0.row < $1.row }
      #expect(found.range(of: movie).map { Int(found.columns[$0]) } == expected.map(\.row))
      for (index, one) in zip(found.range(of: movie), expected) {
        #expect(abs(Double(found.weights[index]) - one.weight) < 1e-4)
      }
    }
  }

  @Test func withoutNeighboursThereAreNone() throws {
    let ratings = Self.ratings(users: 20, movies: 9, each: 5, seed: 2)
    let found = try Self.train(ratings, Self.parameters { $0.neighbours = 0 }).model.contents
    #expect(found.neighbours.count == 0 && found.neighbours.rows == ratings.movies.count)
  }

  // MARK: What is lifted

  @Test func whatIsRatedMoreNowAndBetterIsLifted() throws {
    var log = RatingLog()
    for user in 0..<40 as Range<Int64> {
      let days = user * 20
      // Movie 1 is of old, movie 2 of now; movie 3 is liked, movie 4 is not.
      for (movie, stars) in [(user < 20 ? 1 : 2, 3.0), (3, 5.0), (4, 1.0)] as [(Int64, Double)] {
        log.append(
          user: user, movie: movie, rating: HalfStars(stars: stars),
          timeMilliseconds: days * 86_400_000 + movie)
      }
    }
    let ratings = log.finish()
    let plain = try Self.train(
      ratings,
      Self.parameters {
        $0.trend = 0
        $0.quality = 0
      }
    ).model.contents
    let lifted = try Self.train(
      ratings,
      Self.parameters {
        $0.trend = 1
        $0.quality = 1
      }
    ).model.contents
    let lifts = plain.scales.indices.map { plain.scales[$0] / lifted.scales[$0] }
    #expect(lifts[1] > 1.5 * lifts[0] && lifts[2] > 5 * lifts[3])
    for row in 0..<4 {
      #expect(abs(lifted.factors[row * 4] - plain.factors[row * 4] * lifts[row]) < 1e-4)
    }
  }

  // MARK: Odd ratings

  /// One user, one movie, nothing but equal or low ratings: lists, none of them with a NaN.
  @Test(arguments: [(1, 1), (1, 30), (30, 1), (2, 2), (12, 12)], [1, 10] as [UInt8])
  func oddRatingsMakeAModel(size: (users: Int, movies: Int), halfStars: UInt8) throws {
    var log = RatingLog()
    for user in 0..<size.users {
      for movie in 0..<size.movies where size.users == 1 || (user + movie) % 3 < 2 {
        log.append(
          user: Int64(user), movie: Int64(movie), rating: HalfStars(rawValue: halfStars),
          timeMilliseconds: 0)
      }
    }
    let ratings = log.finish()
    let contents = try Self.train(ratings, ModelParameters()).model.contents
    let numbers = contents.factors + contents.scales + contents.prior
    for number in numbers { #expect(number.isFinite) }
    for weight in contents.neighbours.weights { #expect(weight.isFinite && weight > 0) }
    var search = try SettingsSearch(ratings, start: ModelParameters(), fixed: [], threads: 2)
    #expect(search.run().problem == nil)
  }

  @Test func plantedTastesAreFound() throws {
    // Each user has one of 16 tastes, rates its movies at random, and now and then strays.
    var random = SeededRandom(seed: 11)
    var log = RatingLog()
    let tastes = 16
    let perTaste = 30
    for user in 0..<480 {
      for event in 0..<25 {
        let strays = random.below(40) == 0
        let taste = strays ? random.below(tastes) : user % tastes
        log.append(
          user: Int64(user), movie: Int64(taste + tastes * random.below(perTaste)),
          rating: HalfStars(stars: 4), timeMilliseconds: Int64(event) * 1000)
      }
    }
    let holdOut = HoldOut(log.finish(), split: .perUser)
    let model = try Self.train(holdOut.training, Self.parameters { $0.factors = 16 }).model
    let found = holdOut.evaluate(model, threads: 2).metrics
    let popular = holdOut.evaluatePopularity(threads: 2).metrics
    // Strays can't be foreseen, nor which of a taste's movies are left unrated.
    #expect(found.auc > 0.95)
    #expect(popular.auc < 0.6)
    #expect(found.ndcgAt10 > 3 * popular.ndcgAt10)
  }
}
