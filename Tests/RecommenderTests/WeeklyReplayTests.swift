import Glibc
import Testing

@testable import Ratings
@testable import Recommender

@Suite struct WeeklyReplayTests {
  private static let week = WeeklyReplay.length

  /// In the second week everyone turns to new movies: what is trained again knows them.
  @Test func trainingAgainPaysWhenTastesMove() throws {
    var log = RatingLog()
    var random = SeededRandom(seed: 4)
    for user in 0..<80 as Range<Int64> {
      for week in 0..<4 as Range<Int64> {
        for event in 0..<4 as Range<Int64> {
          let taste = user % 2 * 50
          let movie = week < 2 ? random.below(20) : 20 + random.below(20)
          log.append(
            user: user, movie: taste + Int64(movie) + 100, rating: HalfStars(stars: 4),
            timeMilliseconds: week * Self.week + event * 1_000 + user)
        }
      }
    }
    log.append(
      user: 0, movie: 100, rating: HalfStars(stars: 4), timeMilliseconds: 4 * Self.week - 1)
    let ratings = log.finish()
    let replay = WeeklyReplay(ratings, weeks: 2)
    #expect(replay.starts == [2 * Self.week, 3 * Self.week])
    let parameters = TrainerTests.parameters { $0.neighbours = 10 }
    let before = replay.known(before: replay.starts[0])
    #expect(before.count > 0 && before.newestMilliseconds < replay.starts[0])
    let once = try TrainerTests.train(before, parameters).model
    let known = replay.known(before: replay.starts[1])
    let holdOut = try #require(replay.holdOut(in: replay.starts[1], known: known))
    #expect(holdOut.moment == replay.starts[1] && holdOut.scoredUsers == 80)
    let again = try TrainerTests.train(known, parameters).model
    let week = replay.score(
      replay.starts[1], holdOut, retrained: again, once: once, threads: 2)
    #expect(week.users == 80 && week.retrained > week.popularity && week.once < week.retrained / 2)
    let same = replay.score(
      replay.starts[1], holdOut, retrained: again, once: again, threads: 1)
    #expect(same.once == same.retrained && same.retrained == week.retrained)
    #expect(same.popularity == holdOut.evaluatePopularity(threads: 1).metrics.ndcgAt10)
  }

  @Test func aWeekWithoutAnyoneKnownIsNone() {
    var log = RatingLog()
    log.append(user: 1, movie: 1, rating: HalfStars(stars: 4), timeMilliseconds: 0)
    log.append(user: 2, movie: 1, rating: HalfStars(stars: 4), timeMilliseconds: 3 * Self.week)
    let replay = WeeklyReplay(log.finish(), weeks: 1)
    let known = replay.known(before: replay.starts[0])
    let holdOut = replay.holdOut(in: replay.starts[0], known: known)
    #expect(known.count == 1 && holdOut == nil)
  }
}
