import Foundation
import Ratings
import Testing

@testable import Recommender

@Suite struct GateTests {
  private static func comparison(_ candidate: Double, _ serving: Double, users: Int = 50)
    -> GateComparison
  {
    func measures(_ value: Double) -> GateMeasures {
      GateMeasures(rated: value, liked: value, dislikedShare: 0.1)
    }
    return GateComparison(
      users: users, candidate: measures(candidate), serving: measures(serving))
  }

  @Test(
    arguments: [
      // Settings, models, gate, whether it passes, and what the reason names.
      (nil, (0.2, 0.1), 1.0, true, "no worse"),
      (nil, (0.1, 0.1), 1.0, true, "no worse"),
      (nil, (0.0999, 0.1), 1.0, false, "worse than the model that serves"),
      (nil, (0.0999, 0.1), 0.99, true, "worse than what serves, but within the gate"),
      (nil, (0.1, 0.1), 1.01, false, "no worse than the model that serves, but the gate asks"),
      ((0.0999, 0.1), (0.1, 0.1), 0.99, true, "worse than what serves, but within the gate"),
      ((0.1, 0.1), (0.2, 0.1), 1.01, false, "settings are no worse than the serving ones, but"),
      ((0.1, 0.1), (0.1, 0.1), 1.0, true, "settings 1.000 times"),
      ((0.09, 0.1), (0.2, 0.1), 1.0, false, "settings are worse"),
      ((0.2, 0.1), (0.05, 0.1), 1.0, false, "worse than the model that serves"),
      (nil, (.nan, 0.1), 1.0, false, "worse"),
      ((.nan, 0.1), (0.2, 0.1), 1.0, false, "settings are worse"),
      (nil, (0, 0), 1.0, true, "no worse"),
    ] as [((Double, Double)?, (Double, Double), Double, Bool, String)])
  func bothMustHold(
    settings: (Double, Double)?, models: (Double, Double), ratio: Double, passes: Bool,
    words: String
  ) {
    let decision = Gate(ratio: ratio).judge(
      settings: settings.map { Self.comparison($0.0, $0.1) },
      models: Self.comparison(models.0, models.1))
    #expect(decision.passes == passes)
    #expect(decision.reason.contains(words), "\(decision.reason)")
  }

  @Test func withoutJudgesNothingPasses() {
    let decision = Gate(ratio: 0.1).judge(
      settings: nil, models: Self.comparison(1, 0.1, users: 0))
    #expect(!decision.passes && decision.reason.contains("nobody can judge it"))
  }

  @Test(
    arguments: [
      (19, 5, 9, nil), (20, 5, 5, true), (20, 5, 4, false), (20, 0, 0, true), (20, 0, 3, true),
    ] as [(Int64, Int64, Int64, Bool?)])
  func hitsDecide(judged: Int64, live: Int64, shadow: Int64, passes: Bool?) {
    var tally = HitTally(against: "live")
    tally.judged = judged
    tally.live.all = live
    tally.shadow.all = shadow
    #expect(Gate(ratio: 1).judge(tally, least: 20).passes == passes)
  }

  @Test(
    arguments: [
      (4, 0.7, true, "it has fewer hits than what serves, but within the gate"),
      (3, 0.7, false, "it has fewer hits than what serves: "),
      (5, 1.2, false, "it has no fewer hits than what serves, but the gate asks for more"),
      (6, 1.2, true, "it has no fewer hits than what serves: "),
    ] as [(Int64, Double, Bool, String)])
  func theWordsAreTrueUnderAnyGate(shadow: Int64, ratio: Double, passes: Bool, words: String) {
    var tally = HitTally(against: "live")
    tally.judged = 20
    tally.live.all = 5
    tally.shadow.all = shadow
    let decision = Gate(ratio: ratio).judge(tally, least: 20)
    #expect(decision.passes == passes)
    #expect(decision.reason.contains(words), "\(decision.reason)")
  }

  // MARK: The tail

  private static func ratings(users: Int64 = 60, robots: Range<Int64> = 0..<0) -> RatingMatrix {
    var random = SeededRandom(seed: 4)
    var log = RatingLog()
    for user in 1...users {
      for index in 0..<30 {
        // Two kinds of people, each with films of its own.
        let movie = Int64(random.below(20)) + (user % 2 == 0 ? 0 : 20)
        log.append(
          user: user, movie: movie, rating: HalfStars(rawValue: UInt8(1 + random.below(10))),
          timeMilliseconds: 1_600_000_000_000 + Int64(index) * 1000 + user)
      }
    }
    for robot in robots {
      for movie in Int64(40)..<80 {
        log.append(
          user: robot, movie: movie, rating: HalfStars(stars: 5),
          timeMilliseconds: 1_600_000_029_000 + movie)
      }
    }
    return log.finish()
  }

  private static func model(_ ratings: RatingMatrix) throws -> FactorModel {
    var parameters = ModelParameters()
    parameters.factors = 4
    var trainer = Trainer(ratings, parameters: parameters, threads: 1)
    let losses = (0..<parameters.epochs).map { _ in trainer.runEpoch() }
    var fit = try trainer.finish()
    return PublishedModel(
      metadata: ModelMetadata(training: ratings, fit, parameters, losses: losses, trainedTo: []),
      contents: fit.contents(parameters)
    ).model
  }

  /// What the gate measures, from its definition.
  @Test func theMeasuresAreThoseOfANaiveCount() throws {
    let ratings = Self.ratings(robots: 1000..<1010)
    let tail = GateTail(ratings) { $0 < 1000 }
    let model = try Self.model(tail.training)
    var times: [Int64] = []
    for user in ratings.users.indices where ratings.users[user] < 1000 {
      times += ratings.range(ofUser: user).map { ratings.rating($0).timeMilliseconds }
    }
    let cut = times.sorted()[times.count * 4 / 5]
    let before = ratings.filter { _, index in ratings.rating(index).timeMilliseconds < cut }
    #expect(tail.training.count == before.count && tail.training.movies == before.movies)
    let lists = model.recommendations(
      for: before, at: before.newestMilliseconds, count: 10, threads: 1)
    var rated = 0.0
    var users = 0
    for (number, user) in before.users.enumerated() where user < 1000 {
      let row = try #require(ratings.users.firstIndex(of: user))
      let later = ratings.range(ofUser: row).map { ratings.rating($0) }
        .filter { $0.timeMilliseconds >= cut }
      let held = Set(later.compactMap { before.movies.firstIndex(of: ratings.movies[$0.movie]) })
      guard !held.isEmpty else { continue }
      users += 1
      let list = lists.rows(ofUser: number).map { Int($0) }
      let gain = list.enumerated().reduce(0.0) {
        $0 + (held.contains($1.element) ? 1 / log2(Double($1.offset + 2)) : 0)
      }
      rated += gain / (0..<min(10, held.count)).reduce(0.0) { $0 + 1 / log2(Double($1 + 2)) }
    }
    let measures = tail.measures(of: model, threads: 2)
    #expect(tail.users == users && users > 20)
    #expect(abs(measures.rated - rated / Double(users)) < 1e-9)
  }

  @Test func strangersHaveNoSay() throws {
    let robots = Int64(1000)..<1100
    let clean = try Self.model(Self.ratings())
    let poisoned = Self.ratings(robots: robots)
    let tail = GateTail(poisoned) { $0 < 1000 }
    #expect(tail.users > 0 && tail.users <= 60)
    let comparison = GateComparison(
      users: tail.users, candidate: tail.measures(of: try Self.model(poisoned), threads: 1),
      serving: tail.measures(of: clean, threads: 1))
    #expect(comparison.ratio < 1, "\(comparison)")
    #expect(!Gate(ratio: 1).judge(settings: nil, models: comparison).passes)
    #expect(GateTail(poisoned) { _ in false }.users == 0)
  }
}
