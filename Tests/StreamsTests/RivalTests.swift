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

  @Test func whoClaimsLastHasTheName() throws {
    let log = World().log
    let (old, new) = (claim(log, 7), claim(log, 3))
    #expect(try old.findRival() == nil, "nobody has claimed it yet")
    try old.take()
    #expect(try old.findRival() == nil && new.findRival() != nil)
    try new.take()
    let rival = try #require(try old.findRival())
    #expect(rival.code == .instanceInUse && rival.text.contains("`instance`, a"))
    #expect(try new.findRival() == nil)
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
