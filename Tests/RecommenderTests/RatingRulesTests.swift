import Ratings
import Recommender
import TestSupport
import Testing

/// The rules of ratings against a list of all events, searched for the newest.
@Suite struct RatingRulesTests {
  private struct Pair: Hashable {
    var user: Int64
    var movie: Int64
  }

  private struct Naive {
    var said: [Pair: [RatingEvent]] = [:]
    var retracted: [Pair: Set<SourceCoordinates>] = [:]

    func standing(_ pair: Pair) -> RatingEvent? {
      (said[pair] ?? []).filter { retracted[pair]?.contains($0.source) != true }
        .max { place($0) < place($1) }
    }

    private func place(_ event: RatingEvent) -> (Int64, Int64, Int32, Int64) {
      (
        event.timeMilliseconds, event.recordTimeMilliseconds, event.source.partition,
        event.source.offset
      )
    }
  }

  private func events(_ random: inout SeededGenerator, count: Int64) -> [RatingEvent] {
    var known: [Pair: [SourceCoordinates]] = [:]
    let sources = (0..<count).map {
      SourceCoordinates(partition: Int32.random(in: 0...1, using: &random), offset: $0)
    }
    return sources.map { source in
      let type = random.next() % 8 == 0 ? EventType.allCases.randomElement(using: &random) : nil
      let pair = Pair(
        user: Int64.random(in: 1...3, using: &random),
        movie: Int64.random(in: 1...3, using: &random))
      var event = RatingEvent(
        user: pair.user, movie: random.next() % 16 == 0 ? nil : pair.movie,
        rating: random.next() % 3 == 0
          ? nil : HalfStars(rawValue: UInt8.random(in: 1...2, using: &random)),
        timeMilliseconds: Int64.random(in: 0...5, using: &random), type: type ?? .rating,
        source: source, recordTimeMilliseconds: Int64.random(in: -1...1, using: &random))
      guard event.movie != nil, type == nil else { return event }
      // Some events are of a clock that ran ahead, and any may be taken back by name.
      if random.next() % 8 == 0 { event.timeMilliseconds = 100 }
      // Take-backs are taken back as well, and some name what comes later, or themselves.
      let names = random.next() % 4 == 0 ? sources : known[pair]
      if random.next() % 6 == 0, let named = names?.randomElement(using: &random) {
        event.rating = nil
        event.retracts = named
      }
      known[pair, default: []].append(source)
      return event
    }
  }

  private struct Fold {
    var folds: [Pair: StatementFold] = [:]

    var standing: [Pair: UserRating] { folds.compactMapValues(\.standing) }

    mutating func take(_ event: RatingEvent) -> RatingEffect? {
      guard let statement = RatingStatement(event, genres: GenreSet()) else { return nil }
      return folds[Pair(user: statement.user, movie: statement.movie), default: StatementFold()]
        .take(statement)
    }
  }

  /// In any order, with any repeats, the same stands.
  @Test(arguments: UInt64(0)..<40) func theOrderOfArrivalDoesNotMatter(seed: UInt64) {
    var random = SeededGenerator(seed: seed)
    let events = events(&random, count: 120)
    var naive = Naive()
    for event in events where event.type == .rating {
      guard let movie = event.movie else { continue }
      naive.said[Pair(user: event.user, movie: movie), default: []].append(event)
      if let named = event.retracts {
        naive.retracted[Pair(user: event.user, movie: movie), default: []].insert(named)
      }
    }
    var kinds: Set<String> = []
    for round in 0..<3 {
      var fold = Fold()
      let repeats = (0..<40).compactMap { _ in events.randomElement(using: &random) }
      let arrived = round == 0 ? events : (events + repeats).shuffled(using: &random)
      for event in arrived {
        switch fold.take(event) {
        case nil: #expect(event.type != .rating || event.movie == nil)
        case .change: kinds.insert("change")
        case .repeated: kinds.insert("repeated")
        case .late: kinds.insert("late")
        }
      }
      for pair in naive.said.keys {
        let expected = naive.standing(pair)
        let found = fold.standing[pair]
        #expect(found?.rating == expected?.rating)
        #expect(found?.source == expected?.source ?? UserRating.nothing.source)
      }
      #expect(fold.standing.count == naive.said.count)
    }
    #expect(kinds == ["change", "repeated", "late"])
  }

  /// A take-back that is taken back itself before it comes still takes its event back, as it would
  /// have if it had come first.
  @Test func aTakeBackThatIsTakenBackStillTakesBack() {
    func event(_ offset: Int64, _ stars: Double?, retracts named: Int64? = nil) -> RatingEvent {
      RatingEvent(
        user: 1, movie: 1, rating: stars.flatMap { HalfStars(stars: $0) },
        timeMilliseconds: 10 - offset,
        source: SourceCoordinates(partition: 0, offset: offset), recordTimeMilliseconds: -1,
        retracts: named.map { SourceCoordinates(partition: 0, offset: $0) })
    }
    let events = [event(0, 5), event(1, nil, retracts: 0), event(2, nil, retracts: 1), event(3, 2)]
    for order in [[0, 1, 2, 3], [0, 2, 1, 3], [2, 1, 0, 3], [3, 0, 2, 1], [0, 3, 2, 1]] {
      var fold = Fold()
      for index in order { _ = fold.take(events[index]) }
      #expect(fold.standing.values.map(\.source) == [events[2].source], "\(order)")
    }
  }

  @Test func whatIsReadAgainChangesNothing() {
    var random = SeededGenerator(seed: 7)
    let events = events(&random, count: 200)
    var fold = Fold()
    for event in events { _ = fold.take(event) }
    let before = fold.standing
    for event in events {
      if case .change = fold.take(event) { Issue.record("\(event) has changed something") }
    }
    #expect(fold.standing == before)
  }

  @Test func theSameSaidByALaterEventKeepsItsPlace() throws {
    func event(_ offset: Int64, _ halfStars: UInt8, recordTime: Int64) -> RatingEvent {
      RatingEvent(
        user: 1, movie: 1, rating: HalfStars(rawValue: halfStars), timeMilliseconds: 5,
        source: SourceCoordinates(partition: 0, offset: offset),
        recordTimeMilliseconds: recordTime)
    }
    var fold = Fold()
    _ = fold.take(event(0, 4, recordTime: 1))
    guard case .repeated = fold.take(event(1, 4, recordTime: 3)) else {
      Issue.record("the rating was said before")
      return
    }
    let effect = fold.take(event(2, 6, recordTime: 2))
    #expect(effect == .late)
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

  /// Training sorts its log instead of folding it, and comes to the same where times decide; it
  /// reports where they do not.
  @Test(arguments: UInt64(0)..<10) func trainingFollowsTheRules(seed: UInt64) {
    var random = SeededGenerator(seed: seed)
    var log = RatingLog()
    var fold = Fold()
    var times: [Pair: [Int64: Set<HalfStars?>]] = [:]
    for var event in events(&random, count: 200) {
      event.retracts = nil
      guard let said = RatingStatement(event, genres: GenreSet()) else { continue }
      log.append(
        user: said.user, movie: said.movie, rating: event.rating,
        timeMilliseconds: event.timeMilliseconds)
      let pair = Pair(user: said.user, movie: said.movie)
      times[pair, default: [:]][event.timeMilliseconds, default: []].insert(event.rating)
      _ = fold.take(event)
    }
    var ties: Set<Pair> = []
    let matrix = log.finish(onTie: { ties.insert(Pair(user: $0.user, movie: $0.movie)) })
    let expectedTies = times.filter { $0.value.max { $0.key < $1.key }?.value.count ?? 0 > 1 }
    #expect(ties == Set(expectedTies.keys))
    for (pair, row) in fold.standing where !ties.contains(pair) {
      let found = matrix.rating(of: RatedPair(user: pair.user, movie: pair.movie))
      #expect(found == row.timed)
    }
    // With what is known of the ties it is the fold.
    let decided = Dictionary(
      uniqueKeysWithValues: ties.map {
        (RatedPair(user: $0.user, movie: $0.movie), fold.standing[$0]?.timed)
      })
    let replaced = matrix.replacing(decided)
    #expect(replaced.count == fold.standing.values.count { $0.rating != nil })
    for (pair, row) in fold.standing {
      let found = replaced.rating(of: RatedPair(user: pair.user, movie: pair.movie))
      #expect(found == row.timed)
    }
  }
}
