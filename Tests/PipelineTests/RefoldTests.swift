import EventLog
import Ratings
import StateStore
import Streams
import Synchronization
import Testing

@testable import Pipeline
@testable import Simulation

/// States of earlier versions, which are folded again.
@Suite struct RefoldTests {
  /// Ratings of few movies at few times in any order: late ones, take-backs of all kinds, and
  /// events that the earlier version has dropped.
  private func fill(_ chain: Chain, seed: UInt64, count: Int = 120) throws {
    var random = SeededGenerator(seed: seed)
    for movie in Int64(1)...4 { try chain.addMovie(movie, genres: "Drama|Comedy") }
    for _ in 0..<count {
      let stars: Double? =
        Int.random(in: 0..<3, using: &random) == 0
        ? nil : Double(Int.random(in: 1...10, using: &random)) / 2
      try chain.rate(
        Int64.random(in: 1...5, using: &random), Int64.random(in: 1...4, using: &random), stars,
        at: 1_600_000_000 + Int64.random(in: 0..<30, using: &random),
        timestamp: 1_700_000_000_000 + Int64.random(in: 0..<3, using: &random))
    }
    try chain.runIntake()
    // Some come again, and some for the first time, behind later ones of their partition.
    let input = TopicPartition(Topics.validatedRatings, 0)
    for record in try chain.log.records(of: input).prefix(20) {
      try chain.log.append(
        to: input, key: record.key, value: record.value, timestamp: record.timestamp)
    }
  }

  private func contents(_ chain: Chain, _ stage: StageDeclaration) -> [[[UInt8]: [UInt8]]] {
    stage.tables.map {
      chain.storage.contents(of: $0.table, stage: stage.name, partition: 0)
    }
  }

  /// Features without their versions, which count changes.
  private func features(_ chain: Chain, _ topic: String) throws -> [[UInt8]: String?] {
    try chain.newest(topic).mapValues { record in
      record.value.map {
        String(decoding: $0, as: UTF8.self)
          .replacing(#/"version":\d+,/#, with: "")
      }
    }
  }

  private func expectSame(_ found: Chain, _ wanted: Chain, _ hint: Comment) throws {
    // The earlier version's table of sources is empty, and so is all that the work needed.
    #expect(contents(found, .user) == contents(wanted, .user), hint)
    let users = try features(found, Topics.userFeatures)
    let movies = try features(found, Topics.movieFeatures)
    for (key, value) in try features(wanted, Topics.userFeatures) {
      #expect(users[key] ?? nil == value, hint)
    }
    for (key, value) in try features(wanted, Topics.movieFeatures) where value != nil {
      #expect(movies[key].map { $0?.hasPrefix("{") } == true, hint)
    }
    #expect(statistics(found) == statistics(wanted), hint)
  }

  /// The histograms of movies, and the times that remain.
  private func statistics(_ chain: Chain) -> [[UInt8]: RatingStatistics] {
    chain.storage.contents(of: MovieTables.aggregates, stage: "movie", partition: 0)
      .compactMapValues { try? MovieAggregate(decoding: $0.span.bytes).statistics }
      .filter { $0.value.count > 0 }
  }

  private func chains(_ guarantee: ProcessingGuarantee, seed: UInt64) throws -> (
    earlier: Chain, fresh: Chain
  ) {
    var (earlier, fresh) = (Chain(guarantee), Chain(guarantee))
    earlier.limits.records = 15
    fresh.limits.records = 15
    try fill(earlier, seed: seed)
    try fill(fresh, seed: seed)
    try EarlierVersion.run(earlier)
    try earlier.runMovie()
    try fresh.runUser()
    try fresh.runMovie()
    return (earlier, fresh)
  }

  @Test(arguments: ProcessingGuarantee.allCases, UInt64(0)..<10)
  func theStateBecomesThatOfAFoldFromNothing(guarantee: ProcessingGuarantee, seed: UInt64) throws {
    let (earlier, fresh) = try chains(guarantee, seed: seed)
    let before = statistics(earlier)
    try earlier.runUser()
    try earlier.runMovie()
    #expect(before != statistics(earlier))
    try expectSame(earlier, fresh, "seed \(seed)")
    // It goes on like any other, and does nothing twice.
    let corrections = try earlier.records(Topics.ratingsByMovie).count
    for chain in [earlier, fresh] {
      try chain.rate(1, 1, 4, at: 1_600_000_100)
      try chain.runAll()
    }
    try expectSame(earlier, fresh, "seed \(seed), later")
    #expect(try earlier.records(Topics.ratingsByMovie).count == corrections + 1)
  }

  /// The process dies before or after any of its effects, and again while it goes on.
  @Test(arguments: ProcessingGuarantee.allCases, [false, true])
  func deathsOnTheWayLeaveNoTrace(guarantee: ProcessingGuarantee, afterwards: Bool) throws {
    for step in stride(from: 1, to: 90, by: 8) {
      let (earlier, fresh) = try chains(guarantee, seed: UInt64(step % 4))
      for attempt in 0..<3 {
        var run = Chain.Run(delivery: .seeded(UInt64(attempt)))
        let last = step + 7 * attempt
        run.faults = { $0.total == last ? (afterwards ? .dieAfterwards : .die) : nil }
        do throws(StageError) { try earlier.runUser(run) } catch {
          #expect(error.reaction == .stopDaemon)
        }
      }
      try earlier.runUser()
      try earlier.runMovie()
      try expectSame(earlier, fresh, "step \(step)")
    }
  }

  /// A lost store is restored from the earlier version's changelog first.
  @Test func aStoreThatIsLostMeanwhileIsNoMatter() throws {
    let (earlier, fresh) = try chains(.exactlyOnce, seed: 3)
    var run = Chain.Run()
    run.faults = { $0.total == 30 ? .die : nil }
    #expect(throws: StageError.self) { try earlier.runUser(run) }
    try earlier.storage.destroy(stage: "user", partition: 0)
    try earlier.runUser()
    try earlier.runMovie()
    try expectSame(earlier, fresh, "lost")
    try earlier.storage.destroy(stage: "user", partition: 0)
    try earlier.runUser()
    #expect(contents(earlier, .user) == contents(fresh, .user))
  }

  private func runUser(_ chain: Chain) throws(StageError) -> [Reason] {
    let reasons = Mutex<[Reason]>([])
    let sink = EventSink { event in
      if case .notUpgraded(_, let reason) = event.kind { reasons.withLock { $0.append(reason) } }
    }
    try chain.runUser(Chain.Run(events: sink))
    return reasons.withLock { $0 }
  }

  /// Without the first events the state stays as it is, which is said once.
  @Test func aLogWithoutItsBeginningLeavesTheStateAsItIs() throws {
    let (earlier, _) = try chains(.exactlyOnce, seed: 1)
    let before = statistics(earlier)
    try earlier.log.truncate(TopicPartition(Topics.validatedRatings, 0), before: 3)
    let reasons = try runUser(earlier)
    #expect(reasons.map(\.code) == [.offsetBelowLogStart])
    #expect(reasons.allSatisfy { $0.text.contains("what arrived last stands") })
    try earlier.runMovie()
    #expect(before == statistics(earlier))
    #expect(try runUser(earlier).isEmpty)
  }

  /// What is deleted while the fold is under way leaves a hole that nothing fills.
  @Test func aHoleInAHalfDoneFoldStopsTheStage() throws {
    let chain = Chain(.exactlyOnce)
    try fill(chain, seed: 1)
    try EarlierVersion.run(chain, folded: 2)
    try chain.log.truncate(TopicPartition(Topics.validatedRatings, 0), before: 3)
    let error = try #require(throws: StageError.self) { try chain.runUser() }
    #expect(error.reaction == .stopDaemon)
    #expect(error.description.contains("up to offset 2, but now begins at 3"))
  }

  /// The group takes the partitions of a member that does not poll for long.
  @Test(arguments: ProcessingGuarantee.allCases)
  func theGroupHearsFromAMemberAtEveryStep(guarantee: ProcessingGuarantee) throws {
    let (earlier, fresh) = try chains(guarantee, seed: 2)
    let steps = Mutex((sincePoll: 0, most: 0))
    var run = Chain.Run()
    run.events = EventSink { event in
      guard case .batchCommitted = event.kind else { return }
      steps.withLock { steps in
        steps.sincePoll += 1
        steps.most = max(steps.most, steps.sincePoll)
      }
    }
    run.faults = { moment in
      if moment.effect == .poll { steps.withLock { $0.sincePoll = 0 } }
      return nil
    }
    try earlier.runUser(run)
    try earlier.runMovie()
    #expect(steps.withLock { $0.most } == 1)
    try expectSame(earlier, fresh, "polled")
  }

  /// Records that are fetched while the state is not of this version are read again.
  @Test(arguments: ProcessingGuarantee.allCases)
  func whatComesMeanwhileIsNotLost(guarantee: ProcessingGuarantee) throws {
    let (earlier, fresh) = try chains(guarantee, seed: 4)
    for chain in [earlier, fresh] {
      for user in Int64(1)...5 { try chain.rate(user, 2, 3.5, at: 1_600_000_200 + user) }
      try chain.runIntake()
    }
    for chain in [earlier, fresh] {
      try chain.runUser()
      try chain.runMovie()
    }
    try expectSame(earlier, fresh, "more")
  }
}
