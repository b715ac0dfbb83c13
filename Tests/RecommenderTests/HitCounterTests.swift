import Ratings
import Testing

@testable import Recommender

@Suite struct HitCounterTests {
  /// Everything that happened, in order; the tally is read off it.
  private struct Oracle {
    enum Event {
      case shown(user: Int64, ShownLists)
      case rated(user: Int64, movie: Int64, HalfStars, offset: Int64)
    }

    var events: [Event] = []

    /// Each list that a new rating of its user follows, before another list does.
    func tally() throws -> HitTally {
      var tally = HitTally(against: "live")
      for (index, event) in events.enumerated() {
        guard case .shown(let user, let lists) = event else { continue }
        let seen =
          events[..<index].compactMap { event -> Int64? in
            if case .rated(_, _, _, let offset) = event { offset } else { nil }
          }.max() ?? -1
        var highest = seen
        following: for later in events[(index + 1)...] {
          switch later {
          case .shown(let other, _) where other == user: break following
          case .shown: continue
          case .rated(let other, let movie, let rating, let offset):
            let isNew = offset > highest
            highest = max(highest, offset)
            guard other == user, isNew, offset >= lists.stateOffset else { continue }
            let isLiked: Int64 = rating.stars >= lists.meanStars ? 1 : 0
            tally.judged += 1
            if lists.live.contains(movie) {
              tally.live.all += 1
              tally.live.liked += isLiked
            }
            if lists.shadow.contains(movie) {
              tally.shadow.all += 1
              tally.shadow.liked += isLiked
            }
            break following
          }
        }
      }
      return tally
    }
  }

  @Test(arguments: 1...200 as ClosedRange<UInt64>) func countsLikeTheOracle(seed: UInt64) throws {
    var random = SeededRandom(seed: seed)
    func number(_ below: Int) -> Int64 { Int64(random.below(below)) }
    var counter = HitCounter(shadow: "s", tally: HitTally(against: "live"))
    var oracle = Oracle()
    var end: Int64 = 0
    for _ in 0..<300 {
      let user = number(5)
      if number(3) == 0 {
        // The state lags behind what the counter has seen, by a batch.
        let lists = ShownLists(
          stateOffset: max(0, end - number(4)), meanStars: Double(number(10)) / 2,
          live: (0..<3).map { _ in number(8) }, shadow: (0..<3).map { _ in number(8) })
        counter.show(lists, to: user)
        oracle.events.append(.shown(user: user, lists))
      } else {
        // A batch that was aborted is delivered again.
        let offset = number(6) == 0 ? max(0, end - number(5)) : end
        end = max(end, offset + 1)
        let rating = try #require(HalfStars(rawValue: UInt8(1 + random.below(10))))
        let movie = number(8)
        counter.rate(user, movie, rating, at: offset)
        oracle.events.append(.rated(user: user, movie: movie, rating, offset: offset))
      }
    }
    #expect(counter.tally == (try oracle.tally()))
    #expect(counter.tally.judged > 0)
  }

  @Test func onlyTenCountAndTheOldestAreForgotten() throws {
    var counter = HitCounter(shadow: "s", tally: HitTally(against: "live"))
    let liked = try #require(HalfStars(stars: 4))
    func show(_ user: Int64, _ list: [Int64]) {
      counter.show(
        ShownLists(stateOffset: 0, meanStars: 3, live: list, shadow: []), to: user)
    }
    show(1, Array(1...11))
    counter.rate(1, 11, liked, at: 0)
    #expect(counter.tally.judged == 1 && counter.tally.live.all == 0)
    show(1, Array(1...11))
    for user in 2...Int64(2 * HitCounter.mostLists + 1) { show(user, [user]) }
    counter.rate(1, 1, liked, at: 1)
    #expect(counter.tally.judged == 1, "the first list is forgotten")
    counter.rate(Int64(2 * HitCounter.mostLists), 5, liked, at: 2)
    #expect(counter.tally.judged == 2)
  }
}
