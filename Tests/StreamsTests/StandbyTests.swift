import EventLog
import Foundation
import Logging
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

  /// Follows every partition until nothing more comes.
  private func follow(
    _ world: World, _ storage: MemoryStorage, _ copies: StandbyCopies<MemoryStore>
  ) {
    let stop = StopSignal()
    let idle = Counter()
    let clock = SimulatedClock()
    let process = SimulatedProcess(
      "standby",
      onIdle: { _ in
        clock.advance(by: .seconds(1))
        if idle.next() >= 4 { stop.stop() }
      })
    let environment = StageEnvironment(
      configuration: world.configuration(instance: "1"), log: world.log.connected(process),
      storage: storage.mounted(process), monitor: StageMonitor(stage: World.stage),
      logger: Logger(label: "test", factory: { _ in SwiftLogNoOpLogHandler() }), stop: stop,
      now: { clock.now }, pause: { clock.advance(by: $0) })
    StandbyLoop(environment, copies: copies) { Set(0..<$0) }.run()
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
    let store = try copy.mounted(SimulatedProcess()).open(
      stage: World.stage, partition: 0, tables: ["tallies"])
    var writes = WriteSet()
    let (key, value) = ("other".utf8Array, "1,1,1".utf8Array)
    writes.set(.tallies, key.span.bytes, value.span.bytes)
    try store.commit(&writes, changelogOffset: 1_000_000)
    follow(world, copy, StandbyCopies())
    #expect(contents(copy, 0) == contents(world.storage, 0))
  }

  // MARK: Taking over

  @Test func theStageTakesTheCopyAndItIsNotFollowedAnyMore() throws {
    let copies = StandbyCopies<MemoryStore>()
    let store = try MemoryStorage().mounted(SimulatedProcess()).open(
      stage: World.stage, partition: 0, tables: ["tallies"])
    copies.holding(0) { copies.setStore(store, of: 0) }
    #expect(copies.take(0, pause: { _ in }) === store)
    #expect(copies.owned == [0])
    #expect(copies.holding(0) { true } == nil)
    #expect(copies.take(0, pause: { _ in }) == nil)
    copies.giveBack(0)
    #expect(copies.holding(0) { true } == true)
  }

  @Test func theStageWaitsForTheFollowersCommit() throws {
    let copies = StandbyCopies<MemoryStore>()
    let store = try MemoryStorage().mounted(SimulatedProcess()).open(
      stage: World.stage, partition: 0, tables: ["tallies"])
    copies.setStore(store, of: 0)
    let (isHolding, mayEnd) = (DispatchSemaphore(value: 0), DispatchSemaphore(value: 0))
    let follower = Thread {
      copies.holding(0) {
        isHolding.signal()
        mayEnd.wait()
      }
    }
    follower.start()
    isHolding.wait()
    let waits = Counter()
    let taken = copies.take(0) { _ in
      // The commit ends once the stage has begun to wait.
      if waits.next() == 1 { mayEnd.signal() }
    }
    #expect(taken === store)
    #expect(waits.value >= 1)
  }
}
