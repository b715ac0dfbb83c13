import Testing

@testable import Ratings
@testable import Recommender

/// Logs that nobody would wish for: each has a model of finite numbers, or none.
@Suite struct OddLogTests {
  private static func expectFinite(_ contents: FactorModel.Contents) {
    for number in contents.factors + contents.scales + contents.prior { #expect(number.isFinite) }
    #expect(contents.neighbours.weights.allSatisfy { $0.isFinite && $0 > 0 })
  }

  /// A robot rates 100,000 movies, ten people a few of them.
  @Test func aRobotDrownsNobody() throws {
    var log = RatingLog()
    for event in 0..<100_000 {
      log.append(
        user: 1, movie: Int64(event), rating: HalfStars(rawValue: UInt8(1 + event % 10)),
        timeMilliseconds: Int64(event))
    }
    for user in 2...11 as ClosedRange<Int64> {
      for movie in 0..<20 as Range<Int64> {
        log.append(
          user: user, movie: 500 + user % 2 * 100 + movie, rating: HalfStars(rawValue: 9),
          timeMilliseconds: movie)
      }
    }
    let ratings = log.finish()
    #expect(ratings.count == 100_200)
    let parameters = TrainerTests.parameters {
      $0.neighbours = 0
      $0.epochs = 3
    }
    let model = try TrainerTests.train(ratings, parameters).model
    Self.expectFinite(model.contents)
    var ranker = RowRanker(model)
    for user in ratings.users.indices {
      ranker.fold { foldIn in
        for index in ratings.range(ofUser: user) {
          let rating = ratings.rating(index)
          foldIn.add(
            row: rating.movie, rating: rating.rating, timeMilliseconds: rating.timeMilliseconds)
        }
      }
      let isScored = ranker.solve(at: nil)
      #expect(isScored)
      ranker.add(wanted: 10, excludesRated: true, allowing: nil)
    }
    ranker.score()
    var counts: [Int] = []
    for user in ratings.users.indices {
      counts.append(0)
      ranker.forEachBest(of: user) { scored in
        #expect(scored.score.isFinite)
        counts[user] += 1
      }
    }
    // The robot has rated everything.
    #expect(counts == [0] + Array(repeating: 10, count: 10))
  }

  @Test func ofTakeBacksAloneNothingIsLeft() {
    var log = RatingLog()
    for user in 0..<5 as Range<Int64> {
      log.append(user: user, movie: 1, rating: HalfStars(rawValue: 8), timeMilliseconds: 1)
      log.append(user: user, movie: 1, rating: nil, timeMilliseconds: 2)
      log.append(user: user, movie: 2, rating: nil, timeMilliseconds: 2)
    }
    let ratings = log.finish()
    #expect(ratings.count == 0 && ratings.users.isEmpty && ratings.movies.isEmpty)
  }

  /// A server whose clock says 1995 asks for a moment before all ratings: it gets what it would get
  /// right after the last one. Ratings of 1995 among those of today train as well.
  @Test func aClockIn1995IsOnlyOld() throws {
    let year1995: Int64 = 800_000_000_000
    var log = RatingLog()
    for event in 0..<600 as Range<Int64> {
      let isOld = event % 3 == 0
      log.append(
        user: event % 30, movie: event % 23, rating: HalfStars(rawValue: UInt8(1 + event % 10)),
        timeMilliseconds: (isOld ? year1995 : 1_700_000_000_000) + event)
    }
    let ratings = log.finish()
    let model = try TrainerTests.train(ratings, TrainerTests.parameters()).model
    Self.expectFinite(model.contents)
    func vector(at moment: Int64?) -> [Float] {
      var foldIn = FoldIn(model)
      foldIn.add(row: 3, rating: .half, timeMilliseconds: 1_700_000_000_000)
      foldIn.add(row: 4, rating: .half, timeMilliseconds: 1_700_000_100_000)
      foldIn.solve(at: moment)
      return foldIn.vector
    }
    #expect(vector(at: year1995) == vector(at: nil))
    #expect(vector(at: .min) == vector(at: nil))
    #expect(vector(at: .max) != vector(at: nil) && vector(at: .max).allSatisfy(\.isFinite))
    var search = try SettingsSearch(ratings, start: ModelParameters(), fixed: [], threads: 2)
    #expect(search.run().problem == nil)
  }

  @Test(arguments: [Double.nan, .infinity, -1]) func noNumberThatIsNoneIsASetting(number: Double) {
    let paths: [WritableKeyPath<ModelParameters, Double>] = ModelParameters.numbers.map(\.path)
    for path in paths {
      var parameters = ModelParameters()
      parameters[keyPath: path] = number
      #expect(parameters.problem != nil)
    }
  }
}
