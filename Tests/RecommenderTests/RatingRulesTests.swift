import Ratings
import Recommender
import TestSupport
import Testing

/// The rules of ratings against a list of all events, searched from its end.
@Suite struct RatingRulesTests {
  private struct Naive {
    var said: [(user: Int64, movie: Int64, rating: UserRating?)] = []

    func inForce(_ user: Int64, _ movie: Int64) -> UserRating? {
      said.last { $0.user == user && $0.movie == movie }?.rating
    }
  }

  private func event(_ random: inout SeededGenerator, offset: Int64) -> RatingEvent {
    let type = random.next() % 8 == 0 ? EventType.allCases.randomElement(using: &random) : nil
    return RatingEvent(
      user: Int64.random(in: 1...3, using: &random),
      movie: random.next() % 16 == 0 ? nil : Int64.random(in: 1...3, using: &random),
      rating: random.next() % 3 == 0
        ? nil : HalfStars(rawValue: UInt8.random(in: 1...2, using: &random)),
      timeMilliseconds: Int64.random(in: 0...2, using: &random), type: type ?? .rating,
      source: SourceCoordinates(partition: 0, offset: offset))
  }

  @Test(arguments: UInt64(0)..<20) func statementsReplaceEachOther(seed: UInt64) {
    var random = SeededGenerator(seed: seed)
    var naive = Naive()
    var effects: Set<String> = []
    for offset in Int64(0)..<400 {
      let event = event(&random, offset: offset)
      let genres = GenreSet(rawValue: random.next() % 2)
      guard let statement = RatingStatement(event, genres: genres) else {
        #expect(event.type != .rating || event.movie == nil)
        continue
      }
      #expect(event.type == .rating && statement.movie == event.movie)
      #expect(statement.user == event.user && statement.rating?.timed.rating == event.rating)
      let old = naive.inForce(statement.user, statement.movie)
      naive.said.append((statement.user, statement.movie, statement.rating))
      let new = naive.inForce(statement.user, statement.movie)
      switch statement.effect(on: old) {
      case .change(let before, let after):
        #expect(before == old && after == new && old != new)
        effects.insert(old == nil ? "first" : new == nil ? "taken back" : "replaced")
      case .duplicate:
        #expect(old == new && new != nil)
        effects.insert("duplicate")
      case .none:
        #expect(old == nil && new == nil)
        effects.insert("nothing")
      }
    }
    #expect(effects == ["first", "taken back", "replaced", "duplicate", "nothing"])
  }

  @Test(arguments: UInt64(0)..<10) func repeatsAreToldByTheirSource(seed: UInt64) {
    var random = SeededGenerator(seed: seed)
    var filter = RepeatFilter()
    var seen: [Int32: Set<Int64>] = [:]
    var next: [Int32: Int64] = [:]
    for _ in 0..<300 {
      let partition = Int32.random(in: 0...2, using: &random)
      // Goes on, with gaps, or goes back some way.
      let position = next[partition, default: 0]
      let offset =
        random.next() % 4 == 0
        ? Int64.random(in: 0...position, using: &random)
        : position + Int64.random(in: 0...2, using: &random)
      let isBelow = seen[partition]?.contains { $0 >= offset } ?? false
      let isNew = filter.isNew(SourceCoordinates(partition: partition, offset: offset))
      #expect(isNew == !isBelow)
      seen[partition, default: []].insert(offset)
      next[partition] = max(position, offset + 1)
    }
  }

  /// Training sorts its log instead of folding it, and comes to the same.
  @Test(arguments: UInt64(0)..<10) func trainingFollowsTheRules(seed: UInt64) {
    var random = SeededGenerator(seed: seed)
    var log = RatingLog()
    var inForce: [[Int64]: UserRating] = [:]
    for offset in Int64(0)..<200 {
      let event = event(&random, offset: offset)
      guard let said = RatingStatement(event, genres: GenreSet()) else { continue }
      log.append(
        user: said.user, movie: said.movie, rating: event.rating,
        timeMilliseconds: event.timeMilliseconds)
      if case .change(_, let new) = said.effect(on: inForce[[said.user, said.movie]]) {
        inForce[[said.user, said.movie]] = new
      }
    }
    let matrix = log.finish()
    var found: [[Int64]: UserRating] = [:]
    for user in matrix.users.indices {
      for index in matrix.range(ofUser: user) {
        let rating = matrix.rating(index)
        found[[matrix.users[user], matrix.movies[rating.movie]]] = UserRating(
          timed: TimedRating(
            rating: rating.rating, timeMilliseconds: rating.timeMilliseconds),
          genres: GenreSet())
      }
    }
    #expect(found == inForce && found.count == matrix.count)
  }
}
