import EventLog
import Simulation
import TestSupport
import Testing

@testable import Pipeline
@testable import Recommender

@Suite struct ModelDecisionTests {
  private let log = MemoryLog()

  init() { log.createTopic(Topics.models, partitions: 1) }

  private func model(_ seed: UInt64) -> PublishedModel {
    ServingBed.model(movies: Array(1...8), seed: seed)
  }

  private var decision: ModelDecision<MemoryLog> {
    ModelDecision(log, topology: Chain.topology, clientID: "test", transactionalID: "models")
  }

  private func catalog() throws -> ModelCatalog {
    try ModelCatalog(reading: log, topology: Chain.topology, clientID: "test")
  }

  private func publish(_ numbers: ClosedRange<UInt64>) throws -> [String] {
    let models = numbers.map(model)
    try decision { _ in (models.map { .publish($0) }, ()) }
    return models.map(\.model.version)
  }

  private func promote(_ version: String, at time: Int64 = 1) throws {
    try decision { ($0.promote(version, reason: "test", at: time).changes, ()) }
  }

  /// Somebody decides while another one is about to: that one looks again.
  @Test func whoComesLaterIsSeen() throws {
    let versions = try publish(1...2)
    var looks: [String?] = []
    try decision { catalog in
      looks.append(catalog.assembler.promotion?.version)
      if looks.count == 1 { try promote(versions[0]) }
      return (catalog.promote(versions[1], reason: "r", at: 2).changes, ())
    }
    #expect(looks == [nil, versions[0]])
    let promotion = try #require(try catalog().assembler.promotion)
    #expect(promotion.version == versions[1] && promotion.previous == [versions[0]])
  }

  @Test func aRefusalChangesNothing() throws {
    struct Refusal: Error {}
    let versions = try publish(1...1)
    #expect(throws: Refusal.self) {
      try decision { _ -> (changes: [ModelChange], result: Void) in throw Refusal() }
    }
    #expect(Array(try catalog().assembler.models.keys) == versions)
    #expect(try catalog().assembler.roles == [:])
  }

  @Test func rollingBackSkipsWhatWasDeleted() throws {
    let versions = try publish(1...3)
    for version in versions { try promote(version) }
    try decision { (try #require($0.delete(versions[1])), ()) }
    try decision { ($0.rollBack(at: 9)?.changes ?? [], ()) }
    let promotion = try #require(try catalog().assembler.promotion)
    #expect(promotion.version == versions[0] && promotion.previous == [])
    #expect(promotion.reason == "rolled back from \(versions[2])" && promotion.milliseconds == 9)
    #expect(try catalog().rollBack(at: 10) == nil)
  }

  @Test func aDeletedModelHasNoRole() throws {
    let versions = try publish(1...2)
    try promote(versions[0])
    let role = ModelPromotion(version: versions[1])
    try decision { _ in ([.role(.candidate, role), .role(.shadow, role)], ()) }
    try decision { (try #require($0.delete(versions[1])), ()) }
    #expect(Set(try catalog().assembler.roles.keys) == [.serving])
    try decision { (try #require($0.delete(versions[0])), ()) }
    #expect(try catalog().assembler.roles == [:])
    #expect(try catalog().delete(versions[0]) == nil)
  }

  @Test func whatHasARoleIsKept() throws {
    let versions = try publish(1...6)
    try promote(versions[0])
    try promote(versions[1])
    try decision { _ in ([.role(.candidate, ModelPromotion(version: versions[2]))], ()) }
    // By their newest ratings, 6 is the newest.
    let pruned = try catalog().prune(keeping: 1, and: versions[3]).map(\.version)
    #expect(pruned == [versions[4]])
  }

  // MARK: Shadows

  private static let trial = ShadowTrial(
    time: .seconds(10), least: 20, gate: Gate(ratio: 1))

  private func shadowed(_ judged: Int64, live: Int64, shadow: Int64) throws -> [String] {
    let versions = try publish(1...2)
    try promote(versions[0])
    var tally = HitTally(against: versions[0])
    tally.judged = judged
    tally.live.all = live
    tally.shadow.all = shadow
    let role = ModelPromotion(version: versions[1], reason: "r", milliseconds: 1_000)
    try decision { _ in ([.role(.candidate, role), .role(.shadow, role)], ()) }
    for partition in Int32(0)..<2 {
      try ServingBed.append(
        .hits(version: versions[1], partition: partition),
        Array(written { tally.write(to: &$0) }.utf8), to: log)
    }
    return versions
  }

  @Test(
    arguments: [
      // Hits, those of two partitions together; when; whether it is over, and who serves then.
      (10, 3, 3, 10_999, false, nil), (10, 3, 3, 11_000, true, true),
      (10, 3, 2, 11_000, true, false),
      (9, 3, 3, 11_000, false, nil), (9, 3, 3, 40_999, false, nil), (9, 3, 3, 41_000, true, false),
      (10, 3, 3, 0, false, nil),
    ] as [(Int64, Int64, Int64, Int64, Bool, Bool?)])
  func aShadowIsDecidedAboutInTime(
    judged: Int64, live: Int64, shadow: Int64, now: Int64, isOver: Bool, passes: Bool?
  ) throws {
    let versions = try shadowed(judged, live: live, shadow: shadow)
    #expect((Self.trial.wait(in: try catalog(), at: now) == nil) == isOver)
    let settled = try decision { catalog in
      let settled = Self.trial.settle(catalog, at: now)
      return (settled.changes, settled)
    }
    let after = try catalog()
    #expect((after.assembler.roles[.shadow] == nil) == isOver)
    #expect(after.assembler.promotion?.version == versions[passes == true ? 1 : 0])
    #expect((after.assembler.roles[.candidate] == nil) == (passes == true))
    guard isOver else { return #expect(settled.decided == nil) }
    let verdict = try #require(after.notes.verdicts[versions[1]])
    #expect(verdict == settled.decided?.verdict && verdict.hits?.judged == 2 * judged)
    #expect(verdict.decision == (passes == true ? .promoted : .kept))
  }

  @Test func aShadowThatIsGoneIsOver() throws {
    let versions = try shadowed(10, live: 3, shadow: 3)
    try promote(versions[1])
    #expect(try catalog().assembler.roles[.shadow] == nil, "what serves is no shadow")
    try decision { _ in ([.role(.shadow, ModelPromotion(version: "gone"))], ()) }
    #expect(Self.trial.wait(in: try catalog(), at: 0) == nil)
    let settled = Self.trial.settle(try catalog(), at: 0)
    #expect(settled.decided == nil && settled.changes.count == 1)
  }

  @Test func theNewestDecisionIsTheOneThatCounts() throws {
    #expect(try catalog().newestDecision == nil)
    let versions = try publish(1...2)
    try promote(versions[0], at: 50)
    #expect(try catalog().newestDecision?.milliseconds == 50)
    for (version, time) in [(versions[0], Int64(70)), (versions[1], 60)] {
      let verdict = ModelVerdict(.kept, reason: "r", milliseconds: time, against: nil, gate: 1)
      try decision { _ in ([.verdict(version: version, verdict)], ()) }
    }
    #expect(try catalog().newestDecision?.milliseconds == 70)
  }
}
