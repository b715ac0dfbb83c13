import Testing

@testable import Ratings
@testable import Recommender

@Suite struct TrainerTests {
  static func parameters(_ change: (inout ModelParameters) -> Void = { _ in }) -> ModelParameters {
    var parameters = ModelParameters()
    parameters.factors = 4
    parameters.epochs = 3
    parameters.window = 4
    parameters.unobservedWeight = 3
    parameters.regularization = 0.02
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
    throws -> (movies: [Int64], factors: [Float], losses: [Double])
  {
    var trainer = Trainer(ratings, parameters: parameters, threads: threads)
    var losses: [Double] = []
    for _ in 0..<parameters.epochs { losses.append(try trainer.runEpoch()) }
    let (movies, factors) = trainer.finish()
    return (movies, factors, losses)
  }

  @Test(arguments: [0, 2, 4, 10], [0.0, 0.5, 1.0])
  func agreesWithDenseEquations(window: Int, exponent: Double) throws {
    let ratings = Self.ratings(users: 12, movies: 15, each: 8, seed: 5)
    let parameters = Self.parameters {
      $0.window = window
      $0.regularizationExponent = exponent
    }
    let trained = try Self.train(ratings, parameters)
    var oracle = DenseTrainer(ratings, parameters)
    for epoch in 0..<parameters.epochs {
      let loss = oracle.runEpoch(epoch)
      #expect(abs(trained.losses[epoch] - loss) < 1e-4 * max(1, loss))
    }
    for (row, expected) in oracle.movies.enumerated() {
      for (factor, value) in expected.enumerated() {
        #expect(abs(Double(trained.factors[row * 4 + factor]) - value) < 1e-4)
      }
    }
  }

  @Test func anyNumberOfThreadsGivesTheSameBytes() throws {
    let ratings = Self.ratings(users: 900, movies: 400, each: 20, seed: 1)
    let parameters = Self.parameters { $0.factors = 16 }
    let one = try Self.train(ratings, parameters, threads: 1)
    for threads in [2, 3, 7] {
      let several = try Self.train(ratings, parameters, threads: threads)
      #expect(several.factors.map(\.bitPattern) == one.factors.map(\.bitPattern))
      #expect(several.losses == one.losses)
    }
  }

  @Test func anotherSeedGivesAnotherModel() throws {
    let ratings = Self.ratings(users: 20, movies: 15, each: 8, seed: 1)
    let one = try Self.train(ratings, Self.parameters())
    let other = try Self.train(ratings, Self.parameters { $0.seed = 2 })
    #expect(one.factors != other.factors)
  }

  @Test func theLossOfWholeUsersFalls() throws {
    let ratings = Self.ratings(users: 60, movies: 40, each: 12, seed: 3)
    let losses = try Self.train(
      ratings,
      Self.parameters {
        $0.window = 0
        $0.epochs = 8
      }
    ).losses
    for (earlier, later) in zip(losses, losses.dropFirst()) { #expect(later < earlier + 1e-6) }
  }

  @Test func aUserIsFoldedInAsTrained() throws {
    let ratings = Self.ratings(users: 30, movies: 25, each: 10, seed: 9)
    let parameters = Self.parameters {
      $0.window = 0
      $0.recencyHalfLife = 0
      $0.taste = 0
    }
    let trained = try Self.train(ratings, parameters)
    let model = FactorModel(
      metadata: ModelMetadata(
        version: "v", parameters: parameters, users: ratings.users.count,
        movies: ratings.movies.count, ratings: ratings.count, newestRatingMilliseconds: 0, loss: 0),
      movies: trained.movies, factors: trained.factors)
    // One more half epoch of the oracle, from the same movies, gives the users that training would.
    var oracle = DenseTrainer(ratings, parameters)
    oracle.movies = ratings.movies.indices.map { row in
      (0..<4).map { Double(trained.factors[row * 4 + $0]) }
    }
    let rows = oracle.solveRows(phase: 0)
    var foldIn = FoldIn(model)
    for user in ratings.users.indices {
      foldIn.removeAll()
      for index in ratings.range(ofUser: user) {
        let rating = ratings.rating(index)
        foldIn.add(
          row: rating.movie, rating: rating.rating, timeMilliseconds: rating.timeMilliseconds)
      }
      try foldIn.solve()
      for factor in 0..<4 {
        #expect(abs(Double(foldIn.vector[factor]) - rows[user][factor]) < 1e-4)
      }
    }
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
    let parameters = Self.parameters {
      $0.factors = 24
      $0.epochs = 6
      // Tastes that never change: old ratings tell as much as new ones.
      $0.window = 0
      $0.recencyHalfLife = 0
      $0.unobservedWeight = 10
    }
    let trained = try Self.train(holdOut.training, parameters)
    let model = FactorModel(
      metadata: ModelMetadata(
        version: "v", parameters: parameters, users: holdOut.training.users.count,
        movies: trained.movies.count, ratings: holdOut.training.count, newestRatingMilliseconds: 0,
        loss: 0),
      movies: trained.movies, factors: trained.factors)
    let found = try holdOut.evaluate(model, threads: 2).metrics
    let popular = holdOut.evaluatePopularity(threads: 2)
    // Strays can't be foreseen, nor which of a taste's movies are left unrated.
    #expect(found.auc > 0.95)
    #expect(popular.auc < 0.6)
    #expect(found.ndcgAt10 > 3 * popular.ndcgAt10)
  }
}
