import EventLog
import Simulation
import StateStore
import Testing

@testable import Streams

/// Where a stage starts to read, and the offsets it refuses to start from.
struct StartOffsetTests {
  @Test func anOffsetBelowTheLogsStartIsNamed() throws {
    let world = World()
    try world.feed(0..<10)
    world.run()
    try world.feed(10..<20)
    try world.log.truncate(world.input(0), before: 15)
    let error = world.run().error
    #expect(error?.reaction == .stopDaemon)
    #expect(error?.description.hasPrefix("offset_below_log_start: app-count stands at 10") == true)
  }

  /// A member that stood still while it restored finds the group gone on: what it lacks was
  /// processed.
  @Test func aRestoreThatWasOvertakenIsNoLoss() throws {
    var world = World()
    world.limits = BatchLimits(records: 5)
    try world.feed(0..<20)
    world.run()
    world.storage.lose(stage: World.stage, partition: 0)
    try world.feed(20..<30)
    let (hasOpened, others, member) = (Counter(), Counter(), OneThread<SimulatedProcess?>(nil))
    let storage = MemoryStorage()
    let overtake = OneThread { [world] in
      let process = try #require(member.value)
      world.log.expireMembers(of: process, group: "app-count")
      let other = world.run(World.Run(instance: "1", storage: storage))
      #expect(other.error == nil)
      try world.log.truncate(
        world.input(0), before: world.log.offsets(of: world.input(0)).upperBound)
    }
    var run = World.Run()
    run.faults = { moment in
      if moment.effect == .openStore { _ = hasOpened.next() }
      guard moment.effect == .poll, hasOpened.value == 1, others.next() == 1 else { return nil }
      do { try overtake.value() } catch { Issue.record(error) }
      return nil
    }
    let result = world.run(run, onStart: { member.value = $0 })
    #expect(result.error == nil)
    #expect(others.value > 0)
    for table in [Table.meta, Table(rawValue: 1)] {
      let found = world.storage.contents(of: table, stage: World.stage, partition: 0)
      #expect(!found.isEmpty)
      #expect(found == storage.contents(of: table, stage: World.stage, partition: 0))
    }
  }

  @Test func aTopicThatIsShorterThanItsStateIsNamed() throws {
    let world = World()
    try world.feed(0..<10)
    world.run()
    world.log.createTopic(World.input, partitions: 1)
    let error = world.run().error
    #expect(error?.reaction == .stopDaemon)
    #expect(
      error?.description.hasPrefix("topic_recreated: count has processed events[0] up to offset 9")
        == true)
    // Trained models are in a topic that a stage writes to as well.
    #expect(error?.description.contains("the topics that only stages write") == true)
  }

  @Test func anUnknownPositionFormatStopsTheDaemon() throws {
    let world = World()
    try world.feed(0..<3)
    world.run()
    let (key, value) = ([0] + Position.key, [2, 0, 0, 0, 0, 0, 0, 0, 0] as [UInt8])
    try world.log.append(to: world.changelog(0), key: key, value: value)
    let error = world.run().error
    #expect(error?.reaction == .stopDaemon)
    #expect(error?.description.contains("unknown format") == true)
  }
}
