import EventLog
import Foundation
import Simulation
import StateStore
import Testing

@testable import Streams

struct StandbyTests {
  // MARK: Placement

  @Test(arguments: [1, 2, 3, 10])
  func everyPartitionHasItsCopiesWithOthers(copies: Int) {
    let members = (0..<4).map { member in
      StandbyPlacement.Member(
        name: "member-\(member)",
        partitions: Set((0..<20).filter { $0 % 4 == member }.map(Int32.init)))
    }
    var counts: [Int32: Int] = [:]
    for member in members {
      let kept = StandbyPlacement.partitions(
        of: member.name, among: members, partitionCount: 20, copies: copies)
      #expect(kept.isDisjoint(with: member.partitions))
      for partition in kept { counts[partition, default: 0] += 1 }
    }
    #expect(counts.count == 20)
    #expect(counts.values.allSatisfy { $0 == min(copies, 3) })
  }

  @Test func aMemberThatLeavesMovesOnlyItsCopies() {
    let members = (0..<5).map { StandbyPlacement.Member(name: "\($0)", partitions: []) }
    func keepers(_ members: [StandbyPlacement.Member], of partition: Int32) -> [String] {
      members.map(\.name).filter {
        StandbyPlacement.partitions(of: $0, among: members, partitionCount: 50, copies: 1)
          .contains(partition)
      }
    }
    let remaining = Array(members.dropLast())
    var moved = 0
    for partition in 0..<Int32(50) {
      let before = keepers(members, of: partition)
      let after = keepers(remaining, of: partition)
      if before == ["4"] { moved += 1 } else { #expect(after == before) }
    }
    #expect((1...25).contains(moved))
  }

  @Test func whoIsNotInTheGroupKeepsNothing() {
    let members = [StandbyPlacement.Member(name: "0", partitions: [0])]
    #expect(
      StandbyPlacement.partitions(of: "1", among: members, partitionCount: 2, copies: 1).isEmpty)
  }

  // MARK: Following

  /// Follows partitions, unless told otherwise all, until nothing more comes.
  ///
  /// - Parameter storage: as the follower's process reaches it.
  private func follow(
    _ world: World, _ storage: MemoryStorage, _ copies: StandbyCopies<MemoryStore>,
    idlePolls: Int = 4, events: EventSink = .none,
    faults: @escaping @Sendable (SimulatedProcess.Moment) -> SimulatedProcess.Fault? = { _ in nil },
    placement: @escaping (_ partitionCount: Int32) throws(LogError) -> Set<Int32>? = { Set(0..<$0) }
  ) {
    let stop = StopSignal()
    let (idle, pauses) = (Counter(), Counter())
    let clock = SimulatedClock()
    let process = SimulatedProcess(
      "standby", faults: faults,
      onIdle: { _ in
        clock.advance(by: .seconds(1))
        if idle.next() >= idlePolls { stop.stop() }
      })
    let environment = StageEnvironment(
      configuration: world.configuration(instance: "1"), log: world.log.connected(process),
      storage: storage, events: events, stop: stop,
      now: { clock.now },
      pause: { duration in
        clock.advance(by: duration)
        if pauses.next() >= 100 { stop.stop() }
      })
    StandbyLoop(environment, copies: copies, placement: placement).run()
  }

  private func contents(_ storage: MemoryStorage, _ partition: Int32) -> [[UInt8]: [UInt8]] {
    storage.contents(of: .tallies, stage: World.stage, partition: partition)
  }

  @Test(arguments: ProcessingGuarantee.allCases)
  func aCopyIsTheOwnersState(guarantee: ProcessingGuarantee) throws {
    let world = World(guarantee, partitions: 3)
    let copy = MemoryStorage()
    for round in 0..<3 {
      try world.feed((round * 30)..<(round * 30 + 30))
      world.run()
      follow(world, copy, StandbyCopies())
      for partition in 0..<Int32(3) {
        #expect(!contents(copy, partition).isEmpty)
        #expect(contents(copy, partition) == contents(world.storage, partition))
      }
    }
  }

  /// Without transactions the changes of a batch that a crash has cut short stay in the changelog.
  @Test func whatNoPositionVouchesForIsNotApplied() throws {
    let world = World(.atLeastOnce)
    try world.feed(0..<9)
    world.run()
    try world.log.append(
      to: world.changelog(0), key: [Table.tallies.rawValue] + "0-0".utf8Array,
      value: "9,9,9".utf8Array)
    let copy = MemoryStorage()
    follow(world, copy, StandbyCopies())
    #expect(contents(copy, 0) == contents(world.storage, 0))
  }

  @Test func aCopyThatDoesNotFitTheChangelogIsMadeAnew() throws {
    let world = World()
    try world.feed(0..<9)
    world.run()
    let copy = MemoryStorage()
    let store = try open(copy.mounted(SimulatedProcess()), 0)
    var writes = WriteSet()
    let (key, value) = ("other".utf8Array, "1,1,1".utf8Array)
    writes.set(.tallies, key.span.bytes, value.span.bytes)
    try store.commit(&writes, changelogOffset: 1_000_000)
    follow(world, copy, StandbyCopies())
    #expect(contents(copy, 0) == contents(world.storage, 0))
  }

  /// A rebalancing group reports its members without their partitions.
  @Test func copiesStayWhereTheyAreWhileTheGroupRebalances() throws {
    let world = World(partitions: 2)
    try world.feed(0..<20)
    world.run()
    let openings = Counter()
    let storage = MemoryStorage(
      process: SimulatedProcess(faults: { moment in
        if moment.effect == .openStore { _ = openings.next() }
        return nil
      }))
    let rounds = Counter()
    follow(
      world, storage, StandbyCopies(), idlePolls: 12,
      placement: { count in
        if rounds.next() == 1 { return Set(0..<count) }
        if rounds.value == 2 {
          #expect(throws: Never.self) { try world.feed(20..<40) }
          world.run()
        }
        return nil
      })
    #expect(rounds.value >= 3)
    #expect(openings.value == 2)
    for partition in 0..<Int32(2) {
      #expect(contents(storage, partition) == contents(world.storage, partition))
    }
  }

  @Test func aFailureIsToldOnceUntilItHasGoneWell() throws {
    let world = World()
    try world.feed(0..<9)
    world.run()
    let told = EventRecorder()
    let rounds = Counter()
    follow(
      world, MemoryStorage(), StandbyCopies(), idlePolls: 20, events: told.sink,
      placement: { (count) throws(LogError) in
        switch rounds.next() {
        case 1...3, 7...8: throw LogError(.unavailable, "one", reaction: .retry)
        case 9...10: throw LogError(.unavailable, "two", reaction: .retry)
        default: return Set(0..<count)
        }
      })
    #expect(rounds.value > 10)
    let failures = told.kinds.compactMap { kind in
      if case .standbyFailed(let reason) = kind { reason.text } else { nil }
    }
    #expect(failures == ["one", "one", "two"])
    #expect(told.events.allSatisfy { $0.role == .standby })
  }

  // MARK: Taking over

  /// Threads of one stage share the copies.
  @Test func aSessionGivesBackItsOwnPartitionsOnly() throws {
    let world = World(partitions: 2)
    try world.feed(0..<20)
    let copies = StandbyCopies<MemoryStore>()
    #expect(copies.take(7, for: "other", pause: { _ in }) == nil)
    let taken = OneThread<Set<Int32>>([])
    var run = World.Run()
    run.standby = copies
    run.onIdle = { taken.value = copies.owned }
    #expect(world.run(run).error == nil)
    #expect(taken.value == [0, 1, 7])
    #expect(copies.owned == [7])
  }

  /// The stage's session fails before the follower has looked what is left of its copies.
  @Test func aPartitionThatTheStageHasTakenAndDroppedCanBeOpened() throws {
    let world = World(partitions: 2)
    try world.feed(0..<20)
    world.run()
    let copies = StandbyCopies<MemoryStore>()
    let storage = MemoryStorage()
    let rounds = Counter()
    follow(
      world, storage, copies, idlePolls: 12,
      placement: { count in
        if rounds.next() == 2 {
          #expect(copies.take(0, for: "0", pause: { _ in }) != nil)
          copies.giveBack(0, by: "0")
          #expect(copies.take(0, for: "0", pause: { _ in }) == nil)
          #expect(throws: Never.self) { try open(storage, 0) }
          copies.giveBack(0, by: "0")
          #expect(throws: Never.self) { try world.feed(20..<40) }
          world.run()
        }
        return Set(0..<count)
      })
    #expect(rounds.value >= 3)
    // Both are followed again.
    for partition in 0..<Int32(2) {
      #expect(contents(storage, partition) == contents(world.storage, partition))
    }
  }

  @Test func aPartitionThatTheFollowerLetsGoOfCanBeOpenedAtOnce() throws {
    let world = World(partitions: 2)
    try world.feed(0..<20)
    world.run()
    let copies = StandbyCopies<MemoryStore>()
    let storage = MemoryStorage()
    let (rounds, opened) = (Counter(), Counter())
    follow(
      world, storage, copies, idlePolls: 12,
      faults: { moment in
        guard moment.effect == .unassign, rounds.value == 2 else { return nil }
        for partition in 0..<Int32(2) where copies.take(partition, for: "0", pause: { _ in }) == nil
        {
          #expect(throws: Never.self) { try open(storage, partition) }
          _ = opened.next()
        }
        return nil
      },
      placement: { rounds.next() == 1 ? Set(0..<$0) : [] })
    #expect(opened.value > 0)
  }

  @discardableResult
  private func open(_ storage: MemoryStorage, _ partition: Int32) throws -> MemoryStore {
    try storage.open(stage: World.stage, partition: partition, tables: ["tallies"])
  }

  @Test func theStageTakesTheCopyAndItIsNotFollowedAnyMore() throws {
    let copies = StandbyCopies<MemoryStore>()
    let store = try open(MemoryStorage(), 0)
    copies.holding(0) { $0 = store }
    #expect(copies.take(0, for: "0", pause: { _ in }) === store)
    #expect(copies.owned == [0])
    #expect(copies.holding(0) { _ in true } == nil)
    #expect(copies.take(0, for: "0", pause: { _ in }) == nil)
    copies.giveBack(0, by: "0")
    #expect(copies.holding(0) { $0 == nil } == true)
  }

  @Test func theStageWaitsForTheFollowersCommit() throws {
    let copies = StandbyCopies<MemoryStore>()
    let store = try open(MemoryStorage(), 0)
    copies.holding(0) { $0 = store }
    let (isHolding, mayEnd) = (DispatchSemaphore(value: 0), DispatchSemaphore(value: 0))
    let follower = Thread {
      copies.holding(0) { _ in
        isHolding.signal()
        mayEnd.wait()
      }
    }
    follower.start()
    isHolding.wait()
    let waits = Counter()
    let taken = copies.take(0, for: "0") { _ in
      // The commit ends once the stage has begun to wait.
      if waits.next() == 1 { mayEnd.signal() }
    }
    #expect(taken === store)
    #expect(waits.value >= 1)
  }
}
