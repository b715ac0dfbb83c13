import Testing

@testable import Ratings
@testable import Recommender

@Suite struct RatingMatrixTests {
  private struct Key: Hashable {
    var user: Int64
    var movie: Int64
  }

  @Test(arguments: 1...10 as ClosedRange<UInt64>) func theNewestOfEachCounts(seed: UInt64) {
    var random = SeededRandom(seed: seed)
    var log = RatingLog()
    var newest: [Key: (rating: HalfStars?, time: Int64, place: Int)] = [:]
    for place in 0..<600 {
      let key = Key(user: Int64(random.below(9) * 7), movie: Int64(random.below(12) * 5))
      let rating = HalfStars(rawValue: UInt8(random.below(11)))
      let time = Int64(random.below(40)) * 1000
      log.append(user: key.user, movie: key.movie, rating: rating, timeMilliseconds: time)
      if time >= newest[key]?.time ?? 0 { newest[key] = (rating, time, place) }
    }
    let expected = newest.compactMapValues { newest in
      newest.rating.map { (rating: $0, time: newest.time, place: newest.place) }
    }
    let matrix = log.finish()
    #expect(matrix.users == Set(expected.keys.map(\.user)).sorted())
    #expect(matrix.movies == Set(expected.keys.map(\.movie)).sorted())
    #expect(matrix.count == expected.count)
    #expect(matrix.newestMilliseconds == expected.values.map(\.time).max())
    for user in matrix.users.indices {
      let own = expected.filter { $0.key.user == matrix.users[user] }.sorted { a, b in
        (a.value.time, a.value.place) < (b.value.time, b.value.place)
      }
      #expect(matrix.range(ofUser: user).count == own.count)
      for (index, want) in zip(matrix.range(ofUser: user), own) {
        let rating = matrix.rating(index)
        #expect(matrix.movies[rating.movie] == want.key.movie)
        #expect(rating.rating == want.value.rating)
        #expect(rating.timeMilliseconds == want.value.time)
      }
    }
  }

  @Test func sortingTellsHowFarItIs() {
    var log = RatingLog()
    for user in 0..<Int64(5000) {
      log.append(user: user, movie: 1, rating: HalfStars(stars: 3), timeMilliseconds: 5)
    }
    var shares: [Double] = []
    _ = log.finish { shares.append($0) }
    #expect(shares.count > 3 && shares == shares.sorted())
    #expect(shares.first ?? -1 >= 0 && shares.last ?? 2 <= 1)
  }

  @Test func allTakenBackLeavesNothing() {
    var log = RatingLog()
    for rating in [HalfStars(stars: 3), nil] {
      log.append(user: 1, movie: 2, rating: rating, timeMilliseconds: 5)
    }
    let matrix = log.finish()
    #expect(matrix.count == 0 && matrix.users.isEmpty && matrix.movies.isEmpty)
    #expect(matrix.newestMilliseconds == 0)
  }
}
