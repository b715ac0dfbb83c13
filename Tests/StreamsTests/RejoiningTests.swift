import EventLog
import Simulation
import Testing

@testable import Streams

/// A stage that joins its group again: after a failure, or because it is asked to.
struct RejoiningTests {
  @Test func aFencedProducerJoinsAgainAndGoesOn() throws {
    var world = World()
    world.limits = BatchLimits(records: 5)
    try world.feed(0..<20)
    let log = world.log
    var run = World.Run()
    run.faults = { moment in
      if moment.effect == .send, moment.number == 13 { log.expireTransaction("app-count-0") }
      return nil
    }
    let result = world.run(run)
    #expect(result.error == nil)
    #expect(result.pauses == [.milliseconds(200)])
    #expect(result.status.records == 20)
    try Checker(world: world).checkDrained()
  }

  /// The batch is finished first, and others get the partitions at once: they don't wait for the
  /// session's end, as they do for a static member that restarts.
  @Test(arguments: ProcessingGuarantee.allCases)
  func aStageThatIsAskedToJoinsAgain(guarantee: ProcessingGuarantee) throws {
    let world = World(guarantee, partitions: 2)
    try world.feed(0..<10)
    let recorder = EventRecorder()
    let request = RejoinRequest()
    let idle = Counter()
    let other = GroupMember(world)
    let partitionsOfOther = Counter()
    var run = World.Run()
    run.events = .all([
      recorder.sink,
      EventSink { event in
        guard case .rejoining = event.kind else { return }
        for _ in 0..<other.takePartitions().count { _ = partitionsOfOther.next() }
        other.leave()
      },
    ])
    run.rejoin = request
    run.idlePolls = 6
    run.onIdle = {
      switch idle.next() {
      case 1: other.join()
      case 2: request.make()
      default: break
      }
    }
    let result = world.run(run)
    #expect(result.error == nil)
    #expect(result.status.abortedBatches == 0)
    #expect(partitionsOfOther.value == 2)
    let released = recorder.kinds.contains { if case .fenced = $0 { true } else { false } }
    #expect(recorder.joins == 2 && !released)
    try Checker(world: world).checkDrained()
  }

  /// Whatever it was made for is over once a new session joins.
  @Test func aRequestFromBeforeTheSessionIsDone() throws {
    let world = World()
    try world.feed(0..<3)
    let recorder = EventRecorder()
    let request = RejoinRequest()
    request.make()
    var run = World.Run()
    run.events = recorder.sink
    run.rejoin = request
    #expect(world.run(run).error == nil)
    #expect(recorder.joins == 1)
    try Checker(world: world).checkDrained()
  }

  /// Pauses grow while nothing works, not over the life of a daemon.
  @Test func progressEndsARowOfFailures() throws {
    var world = World()
    world.limits = BatchLimits(records: 2)
    try world.feed(0..<20)
    let log = world.log
    var run = World.Run()
    run.faults = { moment in
      if moment.effect == .commitTransaction, moment.number % 3 == 2 {
        log.expireTransaction("app-count-0")
      }
      return nil
    }
    let result = world.run(run)
    #expect(result.pauses.count >= 3)
    #expect(Set(result.pauses) == [.milliseconds(200)])
    try Checker(world: world).checkDrained()
  }

  @Test func withoutProgressPausesGrow() throws {
    let world = World()
    try world.feed(0..<3)
    var run = World.Run()
    run.faults = { moment in
      guard moment.effect == .poll, moment.number < 8 else { return nil }
      return .fail(LogError(.unavailable, "no broker", reaction: .retry))
    }
    let result = world.run(run)
    #expect(
      result.pauses.prefix(3) == [.milliseconds(200), .milliseconds(400), .milliseconds(800)])
    #expect(result.pauses.last == .seconds(5))
    try Checker(world: world).checkDrained()
  }
}
