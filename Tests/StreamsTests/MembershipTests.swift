import EventLog
import Simulation
import Synchronization
import Testing

@testable import Streams

struct MembershipTests {
  @Test(arguments: ProcessingGuarantee.allCases)
  func redeliveredRecordsAreDropped(guarantee: ProcessingGuarantee) throws {
    var world = World(guarantee)
    world.limits = BatchLimits(records: 3)
    try world.feed(0..<20)
    var run = World.Run()
    run.maxFetchRecords = 2
    run.faults = { $0.effect == .poll && $0.number == 6 ? .redeliver(4) : nil }
    let status = world.run(run).status
    #expect(status.records == 20)
    #expect(status.redeliveries == 4)
    try Checker(world: world).checkDrained()
  }

  /// The second instance joins while the first has a batch open, takes half of the partitions and
  /// leaves; then the first gets them back.
  @Test(arguments: ProcessingGuarantee.allCases)
  func revocationCommitsTheOpenBatch(guarantee: ProcessingGuarantee) throws {
    var world = World(guarantee, partitions: 4)
    // No batch closes by itself.
    world.limits = BatchLimits(time: .seconds(1_000), busyRecords: 0)
    try world.feed(0..<40)
    let joined = GroupMember(world)
    let group = world.log
    let seen = Mutex<[TopicPartition: Int64]>([:])
    var run = World.Run()
    run.maxFetchRecords = 8
    run.idlePolls = 6
    let idle = Counter()
    let duringRevoke = Counter()
    run.faults = { moment in
      // Four polls after its start the first instance holds records of every partition.
      if moment.effect == .poll, moment.number == 4 { joined.join() }
      if moment.effect == .unassign, duringRevoke.next() == 1 {
        seen.withLock { $0 = group.committedOffsets(of: "app-count") }
      }
      return nil
    }
    run.onIdle = { if idle.next() == 2 { joined.leave() } }
    let result = world.run(run)
    #expect(result.error == nil)
    #expect(result.status.batches >= 2)
    #expect(result.status.abortedBatches == 0)
    let committed = seen.withLock { $0 }
    #expect(committed.values.reduce(0, +) > 0, "the open batch was committed before the answer")
    try Checker(world: world).checkDrained()
  }

  @Test func aRevocationIsAnsweredWhenItsCommitIsRefused() throws {
    var world = World(partitions: 4)
    world.limits = BatchLimits(time: .seconds(1_000), busyRecords: 0)
    try world.feed(0..<40)
    let other = GroupMember(world)
    var run = World.Run()
    run.maxFetchRecords = 8
    run.idlePolls = 6
    let idle = Counter()
    run.faults = { moment in
      if moment.effect == .poll, moment.number == 4 { other.join() }
      // The first transaction gives the changelogs their identities.
      guard moment.effect == .commitTransaction, moment.number == 1 else { return nil }
      return .fail(LogError(.transactionAborted, "refused", reaction: .abortBatch))
    }
    run.onIdle = { if idle.next() == 2 { other.leave() } }
    let result = world.run(run)
    #expect(result.error == nil)
    #expect(result.status.abortedBatches == 1)
    #expect(result.pauses.isEmpty)
    try Checker(world: world).checkDrained()
  }

  @Test(arguments: ProcessingGuarantee.allCases)
  func lostPartitionsAreAbandoned(guarantee: ProcessingGuarantee) throws {
    var world = World(guarantee, partitions: 2)
    world.limits = BatchLimits(records: 8)
    try world.feed(0..<40)
    let log = world.log
    let process = Mutex<SimulatedProcess?>(nil)
    var run = World.Run()
    run.maxFetchRecords = 3
    run.faults = { moment in
      // In the middle of a batch the group moves on, and nobody tells the member but its next poll.
      if moment.effect == .poll, moment.number == 5, let running = process.withLock({ $0 }) {
        log.expireMembers(of: running, group: "app-count")
      }
      return nil
    }
    let result = world.run(run, onStart: { running in process.withLock { $0 = running } })
    #expect(result.error == nil)
    #expect(result.pauses.count == 1, "one membership was given up")
    try Checker(world: world).checkDrained()
  }

  /// A member that is thrown out between its last poll and its commit must not commit.
  @Test func aZombiesCommitIsFenced() throws {
    var world = World()
    world.limits = BatchLimits(records: 5)
    try world.feed(0..<20)
    let log = world.log
    let process = Mutex<SimulatedProcess?>(nil)
    let successor = Mutex<World.Result?>(nil)
    let nested = world
    var run = World.Run()
    run.faults = { moment in
      if moment.effect == .commitTransaction, moment.number == 2,
        let zombie = process.withLock({ $0 })
      {
        log.expireMembers(of: zombie, group: "app-count")
        // Its successor, on another machine, ends the zombie's transaction.
        var next = World.Run()
        next.instance = "1"
        next.storage = MemoryStorage()
        let result = nested.run(next)
        successor.withLock { $0 = result }
      }
      return nil
    }
    let result = world.run(run, onStart: { running in process.withLock { $0 = running } })
    #expect(result.error == nil)
    let taken = successor.withLock { $0 }
    #expect(taken?.error == nil)
    #expect(taken?.status.records == 15)
    try Checker(world: world).checkDrained()
  }

  /// A dead instance's open transaction hides what comes behind it, in the changelog as well.
  @Test func aDeadInstancesTransactionIsEndedByItsSuccessor() throws {
    var world = World()
    world.limits = BatchLimits(records: 5)
    try world.feed(0..<20)
    var run = World.Run()
    run.faults = { $0.effect == .commitTransaction && $0.number == 2 ? .die : nil }
    world.run(run)
    let log = world.log
    #expect(
      try log.lastStableOffset(of: world.changelog(0))
        < log.offsets(of: world.changelog(0))
        .upperBound)
    var next = World.Run()
    next.instance = "1"
    next.storage = MemoryStorage()
    let result = world.run(next)
    #expect(result.error == nil)
    #expect(result.status.records == 15)
    // The checker looks at the first one's disk.
    world.run()
    try Checker(world: world).checkDrained()
  }

  /// Other stages would keep their batches open for a backlog that somebody else works off by now.
  @Test func aStageOutsideItsGroupHasNoLag() throws {
    var world = World()
    world.limits.records = 5
    try world.feed(0..<20)
    var run = World.Run()
    run.faults = { moment in
      switch (moment.effect, moment.number) {
      case (.commitTransaction, 2):
        .fail(LogError(.fenced, "fenced", reaction: .abandonPartition))
      case (.makeProducer, 1...): .fail(LogError(.unavailable, "away", reaction: .retry))
      default: nil
      }
    }
    let result = world.run(run)
    #expect(result.pauses.count > 1 && result.status.records > 0)
    #expect(result.status.partitions.isEmpty)
  }

  /// An instance that has given its partitions up cleanly is not fenced: it may own others.
  @Test func partitionsGivenUpInGoodOrderAreNobodys() throws {
    let world = World(partitions: 2)
    try world.feed(0..<10)
    world.run()
    let reader = try world.log.makeConsumer(
      ConsumerConfiguration(
        topics: [World.input], group: "app-count", isMember: false, clientID: "test"))
    #expect(try reader.owners(of: [world.input(0), world.input(1)]) == [:])
    var dying = World.Run()
    dying.faults = { $0.effect == .commitTransaction ? .die : nil }
    try world.feed(10..<12)
    world.run(dying)
    #expect(try reader.owners(of: [world.input(0)]) == [world.input(0): "app-count-0"])
  }

  /// A thread that dies leaves its own name, not that of the stage's other threads.
  @Test func eachThreadOfAStageIsAMember() throws {
    let world = World(partitions: 2)
    try world.feed(0..<10)
    let told = EventRecorder()
    var dying = World.Run()
    dying.worker = 0
    dying.faults = { $0.effect == .commitTransaction ? .die : nil }
    world.run(dying)
    let reader = try world.log.makeConsumer(
      ConsumerConfiguration(
        topics: [World.input], group: "app-count", isMember: false, clientID: "test"))
    let owners = try reader.owners(of: [world.input(0), world.input(1)])
    #expect(Set(owners.values) == ["app-count.w0-0"])

    var next = World.Run()
    next.worker = 1
    next.events = told.sink
    #expect(world.run(next).error == nil)
    #expect(told.events.allSatisfy { $0.worker == 1 })
    #expect(told.kinds.contains(.fencingPredecessor(instance: "app-count.w0-0")))
    try Checker(world: world).checkDrained()
  }

  /// A member that stands still while it asks where to begin must not take the group's progress for
  /// a log that was cut off.
  @Test func aGroupThatGoesOnMeanwhileIsNotBeyondTheLogsEnd() throws {
    let world = World()
    try world.feed(0..<3)
    let others = OneThread(
      try world.log.makeConsumer(
        ConsumerConfiguration(
          topics: [World.input], group: "app-count", isMember: false, clientID: "other")))
    var run = World.Run()
    run.faults = { moment in
      guard moment.effect == .ask, moment.number >= 2,
        let end = try? world.log.offsets(of: world.input(0)).upperBound
      else { return nil }
      try? world.feed(1)
      try? others.value.commit([world.input(0): end + 1], wait: true)
      return nil
    }
    #expect(world.run(run).error == nil)
    #expect(world.log.committedOffsets(of: "app-count")[world.input(0)] ?? 0 > 3)
  }

  enum CommitFault: CaseIterable {
    case refused, retriedBefore, retriedAfter, fencedBefore, fencedAfter

    var fault: SimulatedProcess.Fault {
      switch self {
      case .refused: .fail(LogError(.transactionAborted, "refused", reaction: .abortBatch))
      case .retriedBefore: .fail(LogError(.unavailable, "no answer", reaction: .retry))
      case .retriedAfter: .failAfterwards(LogError(.unavailable, "no answer", reaction: .retry))
      case .fencedBefore: .fail(LogError(.fenced, "fenced", reaction: .abandonPartition))
      case .fencedAfter: .failAfterwards(LogError(.fenced, "fenced", reaction: .abandonPartition))
      }
    }
  }

  @Test(arguments: CommitFault.allCases)
  func aCommitMayFailInAnyWay(commit: CommitFault) throws {
    var world = World(partitions: 2)
    world.limits = BatchLimits(records: 5)
    try world.feed(0..<20)
    var run = World.Run()
    run.faults = { $0.effect == .commitTransaction && $0.number == 1 ? commit.fault : nil }
    let result = world.run(run)
    #expect(result.error == nil)
    #expect(result.status.abortedBatches == (commit == .refused ? 1 : 0))
    try Checker(world: world).checkDrained()
  }

  /// Without transactions an aborted batch leaves its changes in the changelog.
  @Test func anAbortedBatchLeavesNothingBehind() throws {
    var world = World(.atLeastOnce)
    world.limits = BatchLimits(records: 5, time: .seconds(1))
    try world.feed(0..<20, keys: 7)
    var run = World.Run()
    run.maxFetchRecords = 1
    let clock = run.clock
    let flushes = Counter()
    run.faults = { moment in
      switch moment.effect {
      case .flush where flushes.next() == 3:
        // The changes of the second batch are sent by then, its position is not.
        return .fail(LogError(.transactionAborted, "not delivered", reaction: .abortBatch))
      case .poll where flushes.value == 3:
        // The second time the batch is shorter.
        clock.advance(by: .seconds(2))
        return nil
      case .poll where flushes.value >= 5:
        return .die
      default:
        return nil
      }
    }
    #expect(!world.run(run).process.isAlive)
    world.storage.lose(stage: World.stage, partition: 0)
    world.run()
    try Checker(world: world).checkDrained()
  }
}
