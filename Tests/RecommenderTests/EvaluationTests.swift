import Glibc
import Testing

@testable import Ratings
@testable import Recommender

@Suite struct EvaluationTests {
  // MARK: Measures

  @Test func measuresOfAListByHand() {
    // Held out: 2, 5, 9. Ranks 2 and 4 hit.
    let measures = RankingMeasures(ranked: [1, 5, 7, 2], relevant: [2, 5, 9])
    #expect(measures.precision(at: 10) == 0.2)
    #expect(measures.precision(at: 2) == 0.5)
    #expect(measures.recall(at: 10) == 2.0 / 3)
    #expect(measures.truncatedRecall(at: 2) == 0.5)
    let gain = 1 / log2(3.0) + 1 / log2(5.0)
    let ideal = 1 + 1 / log2(3.0) + 1 / log2(4.0)
    #expect(abs(measures.ndcg(at: 10) - gain / ideal) < 1e-12)
    #expect(abs(measures.ndcg(at: 2) - 1 / log2(3.0) / (1 + 1 / log2(3.0))) < 1e-12)
  }

  @Test func aucByHand() {
    // Relevant 0 and 3; known 4; others 1, 2 and 5. 0 beats 1 and 2 and ties with 5, 3 beats 2.
    let scores: [Float] = [0.9, 0.5, 0.1, 0.3, 2, 0.9]
    #expect(RankingMeasures.auc(scores: scores.span, relevant: [0, 3], known: [4]) == 3.5 / 6)
    #expect(RankingMeasures.auc(scores: scores.span, relevant: [0, 1, 2, 3, 5], known: [4]) == 0.5)
  }

  @Test(arguments: 1...20 as ClosedRange<UInt64>) func aucIsTheShareOfPairsWon(seed: UInt64) {
    var random = SeededRandom(seed: seed)
    let scores = (0..<60).map { _ in Float(random.below(12)) }
    let kinds = (0..<60).map { _ in random.below(4) }
    func rows(_ kind: Int) -> [Int32] { kinds.indices.filter { kinds[$0] == kind }.map(Int32.init) }
    var won = 0.0
    var pairs = 0.0
    for row in rows(0) {
      for other in kinds.indices where kinds[other] > 1 {
        let (a, b) = (scores[Int(row)], scores[other])
        won += a > b ? 1 : a == b ? 0.5 : 0
        pairs += 1
      }
    }
    let auc = RankingMeasures.auc(scores: scores.span, relevant: rows(0)[...], known: rows(1)[...])
    #expect(abs(auc - won / pairs) < 1e-12)
  }

  // MARK: Splits

  private struct Event: Hashable {
    var user: Int64
    var movie: Int64
  }

  private static func events(_ matrix: RatingMatrix) -> Set<Event> {
    var events: Set<Event> = []
    for user in matrix.users.indices {
      for index in matrix.range(ofUser: user) {
        events.insert(
          Event(user: matrix.users[user], movie: matrix.movies[matrix.rating(index).movie]))
      }
    }
    return events
  }

  private static func heldOut(_ holdOut: HoldOut) -> Set<Event> {
    var events: Set<Event> = []
    for user in holdOut.known.users.indices {
      for movie in holdOut.heldOut(ofUser: user) {
        events.insert(
          Event(user: holdOut.known.users[user], movie: holdOut.training.movies[Int(movie)]))
      }
    }
    return events
  }

  /// User 1 rates movies 1 to 10, a second apart; user 2 rates 4 of them later.
  private static func twoUsers() -> RatingMatrix {
    var log = RatingLog()
    for movie in 1...10 as ClosedRange<Int64> {
      log.append(
        user: 1, movie: movie, rating: HalfStars(stars: 3), timeMilliseconds: movie * 1000)
    }
    for movie in [1, 2, 3, 10] as [Int64] {
      log.append(
        user: 2, movie: movie, rating: HalfStars(stars: 4), timeMilliseconds: 20_000 + movie)
    }
    return log.finish()
  }

  @Test func eachUsersNewestFifthIsHeldOut() {
    let holdOut = HoldOut(Self.twoUsers(), split: .perUser, minimumRatings: 1)
    // Of user 1 movies 9 and 10, of which only 10 is known, by user 2; of whom nothing is held out,
    // for 0.8 of 4 are 3.2.
    #expect(Self.heldOut(holdOut) == [Event(user: 1, movie: 10)])
    #expect(
      holdOut.training.count == 12 && holdOut.training.movies == [1, 2, 3, 4, 5, 6, 7, 8, 10])
  }

  @Test func theNewestFifthOfAllIsHeldOut() {
    let holdOut = HoldOut(Self.twoUsers(), split: .global, minimumRatings: 1)
    // 0.8 of 14 are 11.2: user 2 keeps movie 1 and loses 2, 3 and 10, which user 1 has kept.
    #expect(Self.heldOut(holdOut) == Set([2, 3, 10].map { Event(user: 2, movie: $0) }))
    #expect(holdOut.training.count == 11)
    #expect(holdOut.scoredUsers == 1 && holdOut.count == 3)
  }

  @Test func usersAndThenMoviesWithFewRatingsAreLeftOut() {
    let ratings = TrainerTests.ratings(users: 60, movies: 50, each: 7, seed: 4)
    let holdOut = HoldOut(ratings, split: .perUser, minimumRatings: 5)
    let big = ratings.users.indices.filter { ratings.range(ofUser: $0).count >= 5 }
    var counts: [Int64: Int] = [:]
    for user in big {
      for index in ratings.range(ofUser: user) {
        counts[ratings.movies[ratings.rating(index).movie], default: 0] += 1
      }
    }
    var kept = 0
    for user in big {
      kept += ratings.range(ofUser: user).count { index in
        counts[ratings.movies[ratings.rating(index).movie], default: 0] >= 5
      }
    }
    let all = Self.events(holdOut.training).union(Self.heldOut(holdOut))
    #expect(kept > all.count / 2)
    #expect(all.count <= kept)
    #expect(all.allSatisfy { counts[$0.movie, default: 0] >= 5 })
    #expect(Self.events(holdOut.training).isDisjoint(with: Self.heldOut(holdOut)))
  }

  // MARK: The strong protocol

  /// What numpy 1.x and 2.x give after `numpy.random.seed(98765)`.
  @Test func permutationsAreNumPys() {
    var random = MersenneTwister(seed: 98765)
    #expect(random.permutation(12) == [11, 9, 2, 7, 8, 4, 1, 10, 6, 0, 3, 5])
    // numpy.random.choice(10, size=2, replace=False), from the same generator.
    #expect(Array(random.permutation(10).prefix(2)) == [4, 1])
    random = MersenneTwister(seed: 98765)
    let large = random.permutation(138_493)
    #expect(Array(large.prefix(5)) == [118_873, 60_752, 101_006, 80_791, 2795])
    #expect(Array(large.suffix(3)) == [126_893, 69_107, 134_933])
  }

  @Test func usersAreHeldOutAsAWhole() throws {
    let ratings = TrainerTests.ratings(users: 200, movies: 60, each: 25, seed: 6)
    let test = try #require(HoldOut.strongGeneralization(ratings, heldOutUsers: 20))
    let validation = try #require(
      HoldOut.strongGeneralization(ratings, heldOutUsers: 20, forValidation: true))
    #expect(Self.events(test.training) == Self.events(validation.training))
    let groups = [test.training.users, test.known.users, validation.known.users]
    #expect(Set(groups.joined()).count == groups.joined().count)
    #expect(test.known.users.count == 20 && test.scoredUsers == 20)
    for user in test.known.users.indices {
      let known = test.known.range(ofUser: user).count
      let heldOut = test.heldOut(ofUser: user).count
      #expect(heldOut == Int(0.2 * Double(known + heldOut)))
      for index in test.known.range(ofUser: user) {
        #expect(test.known.rating(index).rating.stars > 3.5)
      }
    }
    #expect(HoldOut.strongGeneralization(ratings, heldOutUsers: 100) == nil)
  }

  @Test func popularityLeavesOutWhatIsRated() {
    let ratings = Self.twoUsers()
    let lists = ratings.popular(for: ratings, count: 8)
    #expect(Array(lists.rows(ofUser: 0)) == [])
    // Rated by one user each: 4 to 9, by rising id.
    #expect(lists.rows(ofUser: 1).map { ratings.movies[Int($0)] } == [4, 5, 6, 7, 8, 9])
  }
}
