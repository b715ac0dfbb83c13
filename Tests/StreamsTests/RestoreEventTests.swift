import EventLog
import Simulation
import StateStore
import Testing

@testable import Streams

/// What a restore says when a store, a changelog or a log is not as it should be.
struct RestoreEventTests {
  private let recorder = EventRecorder()

  private func settledWorld() throws -> World {
    var world = World()
    world.limits = BatchLimits(records: 4)
    try world.feed(0..<30)
    #expect(world.run().error == nil)
    return world
  }

  private func run(
    _ world: World,
    faults: @escaping @Sendable (SimulatedProcess.Moment) -> SimulatedProcess.Fault? = {
      _ in nil
    }
  ) -> StageError? {
    var run = World.Run()
    run.events = recorder.sink
    run.faults = faults
    return world.run(run).error
  }

  private var rebuilt: [Reason.Code] {
    recorder.kinds.compactMap {
      if case .storeRebuilt(0, let reason) = $0 { reason.code } else { nil }
    }
  }

  private var refused: [Reason.Code] {
    recorder.kinds.compactMap {
      if case .storeRefused(0, let reason) = $0 { reason.code } else { nil }
    }
  }

  private var guards: [String] {
    recorder.kinds.compactMap {
      if case .retentionGuard(let partition, let reason) = $0 {
        "\(partition) \(reason.code.rawValue)"
      } else {
        nil
      }
    }
  }

  @Test func aDamagedStoreIsRebuilt() throws {
    let world = try settledWorld()
    world.storage.damage(.atOpening, stage: World.stage, partition: 0)
    #expect(run(world) == nil)
    #expect(rebuilt == [.storeDamaged] && refused == [])
  }

  @Test func aStoreBeyondTheChangelogsEndIsRebuilt() throws {
    let world = try settledWorld()
    let store = try world.storage.open(stage: World.stage, partition: 0, tables: [])
    var writes = WriteSet()
    try store.commit(&writes, changelogOffset: 10_000)
    #expect(run(world) == nil)
    #expect(rebuilt == [.changelogBeyondLogEnd])
  }

  /// The broker lost acknowledged records and took others: a store of the lost ones may lie below
  /// the changelog's new end.
  @Test func aStoreOfRecordsThatTheLogHasLostIsRebuilt() throws {
    let world = try settledWorld()
    let store = try world.storage.open(stage: World.stage, partition: 0, tables: ["tallies"])
    let end = try #require(try store.changelogOffset())
    let lost = Position(
      inputOffset: 21, last: RecordIdentity(offset: 20, timestamp: 1, hash: 0x1057))
    var writes = WriteSet()
    let (key, value) = (Position.key, lost.encoded)
    writes.set(.meta, key.span.bytes, value.span.bytes)
    let stranger = "stranger".utf8Array
    writes.set(Table(rawValue: 1), stranger.span.bytes, stranger.span.bytes)
    try store.commit(&writes, changelogOffset: end - 3)
    #expect(run(world) == nil)
    #expect(rebuilt == [.inputLost])
    let contents = world.storage.contents(
      of: Table(rawValue: 1), stage: World.stage, partition: 0)
    #expect(!contents.isEmpty && contents[stranger] == nil)
  }

  @Test func aStoreWhoseCommitWasCutShortIsRebuilt() throws {
    let world = try settledWorld()
    world.storage.cutShort(stage: World.stage, partition: 0)
    #expect(run(world) == nil)
    #expect(rebuilt == [.storeDamaged])
  }

  @Test func aStoreThatCanNotBeOpenedIsRefused() throws {
    let world = try settledWorld()
    let denied = LogError(.other, "permission denied", reaction: .stopDaemon)
    let error = run(world) { $0.effect == .openStore ? .fail(denied) : nil }
    #expect(error?.reaction == .stopDaemon)
    #expect(refused == [.storeRefused] && rebuilt == [])
  }

  @Test func aPositionOfAnotherVersionIsRefused() throws {
    let world = try settledWorld()
    let (key, value) = ([0] + Position.key, [2, 0, 0, 0, 0, 0, 0, 0, 0] as [UInt8])
    try world.log.append(to: world.changelog(0), key: key, value: value)
    #expect(run(world)?.reaction == .stopDaemon)
    #expect(refused == [.unknownFormat])
  }

  @Test func aChangelogWithoutItsBeginningIsGuarded() throws {
    let world = try settledWorld()
    world.storage.lose(stage: World.stage, partition: 0)
    try world.log.truncate(world.changelog(0), before: 3)
    #expect(run(world)?.reaction == .stopDaemon)
    #expect(guards == ["app-count-changelog[0] changelog_below_log_start"])
  }

  @Test func eventsThatWereDeletedBeforeTheyWereProcessedAreGuarded() throws {
    let world = try settledWorld()
    try world.feed(30..<40)
    try world.log.truncate(world.input(0), before: 35)
    #expect(run(world)?.reaction == .stopDaemon)
    #expect(guards == ["events[0] offset_below_log_start"])
  }

  @Test func aTopicThatWasRecreatedIsGuarded() throws {
    let world = try settledWorld()
    world.log.createTopic(World.input, partitions: 1)
    #expect(run(world)?.reaction == .stopDaemon)
    #expect(guards == ["events[0] topic_recreated"])
  }

  @Test func aStateThatIsLostIsGuarded() throws {
    let world = try settledWorld()
    world.storage.lose(stage: World.stage, partition: 0)
    world.log.createTopic(World.changelog, partitions: 1)
    #expect(run(world)?.reaction == .stopDaemon)
    #expect(guards == ["events[0] state_lost"])
  }

  /// A copy that is brought up is not the stage's restore.
  @Test func aStandbysEventsAreItsOwn() throws {
    let world = try settledWorld()
    let stop = StopSignal()
    let idle = Counter()
    let process = SimulatedProcess(onIdle: { _ in if idle.next() >= 3 { stop.stop() } })
    let environment = StageEnvironment(
      configuration: world.configuration(instance: "1"), log: world.log.connected(process),
      storage: MemoryStorage(), events: recorder.sink, stop: stop,
      pause: { _ in if idle.next() >= 3 { stop.stop() } })
    StandbyLoop(environment, copies: StandbyCopies()) { Set(0..<$0) }.run()
    #expect(recorder.events.allSatisfy { $0.role == .standby })
    let opened = recorder.kinds.contains(.standbyOpened(changelog: world.changelog(0)))
    #expect(opened)
    let restored = recorder.kinds.contains { if case .restored = $0 { true } else { false } }
    #expect(restored)
  }
}
