import EventLog
import Simulation
import Testing

@testable import Streams

/// Two processes with one instance name.
struct RivalTests {
  private func claim(_ log: MemoryLog, _ mark: UInt64, on stage: String = "count")
    -> InstanceClaim<MemoryLog>
  {
    let topology = Topology(
      [StageDeclaration(stage, inputs: [TopicDeclaration("in", partitions: .fixed(1))])],
      application: "app")
    return InstanceClaim(
      log, topology.claimant(of: topology.stages[0], instance: "a"),
      place: TopicPartition(World.input, 0), mark: mark)
  }

  @Test func whoStartsLastHasTheName() throws {
    let log = World().log
    let (old, new) = (claim(log, 3), claim(log, 7))
    #expect(try old.findRival() == nil, "nobody has claimed it yet")
    try old.take()
    #expect(try old.findRival() == nil)
    try new.take()
    let rival = try #require(try old.findRival())
    #expect(rival.code == .instanceInUse && rival.text.contains("`instance`, a"))
    #expect(try new.findRival() == nil)
  }

  /// Its clock is behind, or it was slow to claim: the other one says again whose the name is.
  @Test func aYoungerClaimOfAnOlderProcessIsTakenBack() throws {
    let log = World().log
    let (old, new) = (claim(log, 3), claim(log, 7))
    try new.take()
    try old.take()
    #expect(try new.findRival() == nil)
    #expect(try old.findRival() != nil)
  }

  /// What a process that is gone has left does not stop its successor, whatever its clock said.
  @Test func onlyALivingProcessIsARival() throws {
    let log = World().log
    try claim(log, 9).take()
    let next = claim(log, 3)
    try next.take()
    #expect(try next.findRival() == nil)
  }

  /// Each claims another stage last, and both are replaced everywhere: one of them stops, the same
  /// in every stage.
  @Test func ofTwoThatStartTogetherOneStops() throws {
    let log = World().log
    let stages = ["user", "movie"]
    let one = stages.map { claim(log, 5, on: $0) }
    let other = stages.map { claim(log, 6, on: $0) }
    for claim in [one[0], other[0], other[1], one[1]] { try claim.take() }
    for _ in 0..<2 {
      #expect(try other.allSatisfy { try $0.findRival() == nil })
      #expect(try one.allSatisfy { try $0.findRival() != nil })
    }
  }

  @Test func marksGrowWithTheTimeOfTheStart() {
    let marks = [0, 1, 1_700_000_000_000, 1_700_000_000_001, 4_000_000_000_000].map {
      InstanceClaim<MemoryLog>.mark(startedAt: $0)
    }
    #expect(marks == marks.sorted() && Set(marks).count == marks.count && !marks.contains(0))
  }

  /// One machine may run some of the stages, and another one the others.
  @Test func otherStagesAreNoRivals() throws {
    let log = World().log
    let one = claim(log, 1, on: "user")
    try one.take()
    let other = claim(log, 2, on: "movie")
    try other.take()
    #expect(try one.findRival() == nil && other.findRival() == nil)
    // Nor do they hide one.
    try claim(log, 3, on: "user").take()
    try claim(log, 4, on: "movie").take()
    #expect(try one.findRival() != nil && other.findRival() != nil)
  }

  private func run(_ code: LogError.Code, findRival: @escaping @Sendable () -> Reason?) throws
    -> (World.Result, EventRecorder)
  {
    var world = World()
    world.limits = BatchLimits(records: 5)
    try world.feed(0..<20)
    let told = EventRecorder()
    var run = World.Run()
    run.events = told.sink
    run.findRival = findRival
    run.faults = { moment in
      moment.effect == .commitTransaction && moment.number == 1
        ? .fail(LogError(code, "replaced", reaction: .abandonPartition)) : nil
    }
    return (world.run(run), told)
  }

  @Test func whoHasANewerRivalStops() throws {
    let rival = Reason(.instanceInUse, "another one")
    let (result, told) = try run(.fenced) { rival }
    #expect(result.error == .failed(rival, .stopDaemon))
    #expect(told.kinds.last == .stopped(rival))
  }

  /// A successor that takes a paused member for dead replaces it as well, and so does a repeated
  /// join.
  @Test func whoHasNoneJoinsAgain() throws {
    let asked = Counter()
    let (result, _) = try run(.fenced) {
      _ = asked.next()
      return nil
    }
    #expect(result.error == nil && result.status.records == 20 && asked.value == 1)
  }

  @Test func anotherFailureRaisesNoQuestion() throws {
    let asked = Counter()
    let (result, _) = try run(.unavailable) {
      _ = asked.next()
      return nil
    }
    #expect(result.error == nil && asked.value == 0)
  }
}
