import EventLog
import Simulation
import Testing

@testable import Streams

/// Two processes with one instance name.
struct RivalTests {
  @Test func marksTellWhoIsNewer() throws {
    let member = "app-user-a"
    let old = ProcessMark(started: 1_700_000_000_000, drawn: 9)
    let new = ProcessMark(started: 1_700_000_000_001, drawn: 1)
    #expect(old < new && ProcessMark(started: 1_700_000_000_000, drawn: 8) < old)
    for mark in [old, new] {
      #expect(ProcessMark(clientID: mark.clientID(of: member), member: member) == mark)
    }
    let unmarked = try #require(ProcessMark(clientID: member, member: member))
    #expect(unmarked < old, "a process of an earlier version")
    for other in ["app-user-b", "app-user-a.b", "app-user-ab", new.clientID(of: "app-user-a.p1")] {
      #expect(ProcessMark(clientID: other, member: member) == nil)
    }
  }

  @Test func aMembersClientIDHasTheMark() {
    var configuration = World().configuration()
    #expect(configuration.consumer.clientID == "app-count-0")
    let mark = ProcessMark(started: 1, drawn: 0)
    configuration.process = mark
    #expect(configuration.consumer.clientID == mark.clientID(of: "app-count-0"))
    #expect(configuration.consumer.instanceID == "app-count-0")
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
