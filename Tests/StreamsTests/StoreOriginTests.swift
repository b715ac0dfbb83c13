import EventLog
import Simulation
import StateStore
import Testing

@testable import Streams

/// A store knows which log it is of, and is refused before anything is read or written elsewhere.
struct StoreOriginTests {
  private let recorder = EventRecorder()

  private func settledWorld(_ guarantee: ProcessingGuarantee = .exactlyOnce) throws -> World {
    let world = World(guarantee)
    try world.feed(0..<10)
    #expect(world.run().error == nil)
    return world
  }

  private func run(_ world: World) -> StageError? {
    var run = World.Run()
    run.events = recorder.sink
    return world.run(run).error
  }

  private func origin(_ world: World) throws -> StoreOrigin {
    let meta = world.storage.contents(of: .meta, stage: World.stage, partition: 0)
    let value = try #require(meta[StoreOrigin.key])
    let origin = StoreOrigin(decoding: value.span.bytes)
    return try #require(origin)
  }

  private func identities(_ world: World) throws -> [ChangelogIdentity] {
    try world.log.records(of: world.changelog(0)).compactMap { record in
      record.key == [0] + ChangelogIdentity.key
        ? record.value.flatMap { ChangelogIdentity(decoding: $0.span.bytes) } : nil
    }
  }

  /// Leaves the store as a version without origins and identities has written it.
  private func forgetOrigin(_ world: World) throws {
    let store = try world.storage.open(stage: World.stage, partition: 0, tables: [])
    var writes = WriteSet()
    let key = StoreOrigin.key
    writes.set(.meta, key.span.bytes, nil)
    let position = Position.key
    let meta = world.storage.contents(of: .meta, stage: World.stage, partition: 0)
    let earlier = try earlierPosition(try #require(meta[position]))
    writes.set(.meta, position.span.bytes, earlier.span.bytes)
    try store.commit(&writes, changelogOffset: try #require(try store.changelogOffset()))
    try store.close()
  }

  /// The position as a version without identities has written it.
  private func earlierPosition(_ encoded: [UInt8]) throws -> [UInt8] {
    Position(inputOffset: try Position(decoding: encoded.span.bytes).inputOffset).encoded
  }

  private func refusal(_ error: StageError?) -> String? {
    guard let error, error.reaction == .stopDaemon,
      error.reason.code == .storeOfAnotherLog
    else { return nil }
    return error.description
  }

  // MARK: What is kept

  @Test func anOriginIsReadBack() throws {
    var origin = StoreOrigin(cluster: "c-1", application: "app", input: "in", partitions: 7)
    let first = origin.encoded
    var read = StoreOrigin(decoding: first.span.bytes)
    #expect(read == origin)
    origin.changelog = ChangelogIdentity(random: (1, .max))
    origin.changelogOffset = 3
    let second = origin.encoded
    read = StoreOrigin(decoding: second.span.bytes)
    #expect(read == origin)
    let damaged = Array(second.dropLast(4).dropFirst())
    read = StoreOrigin(decoding: damaged.span.bytes)
    #expect(read == nil)
  }

  @Test(arguments: ProcessingGuarantee.allCases)
  func aChangelogBeginsWithItsIdentityAndTheStoreRemembersIt(guarantee: ProcessingGuarantee)
    throws
  {
    let world = try settledWorld(guarantee)
    let first = try #require(try world.log.records(of: world.changelog(0)).first)
    #expect(first.key == [0] + ChangelogIdentity.key)
    let identity = try #require(try identities(world).first)
    let origin = try self.origin(world)
    #expect(origin.cluster == "memory" && origin.application == "app")
    #expect(origin.input == World.input && origin.partitions == 1)
    #expect(origin.changelog == identity && origin.changelogOffset == first.offset)
    // It gets one only once, and compaction keeps it.
    try world.feed(10..<20)
    #expect(run(world) == nil)
    try world.log.compact(world.changelog(0))
    #expect(try identities(world) == [identity])
    world.storage.lose(stage: World.stage, partition: 0)
    #expect(run(world) == nil)
    #expect(try identities(world) == [identity])
    #expect(try self.origin(world) == origin)
  }

  // MARK: What is refused

  @Test func aStoreOfAnotherClusterIsRefused() throws {
    let world = try settledWorld()
    try world.feed(10..<20)
    let end = try world.log.offsets(of: world.changelog(0)).upperBound
    world.log.setClusterID("another")
    let error = run(world)
    let refusal = try #require(self.refusal(error))
    #expect(refusal.contains("is of the cluster memory, and this is another"))
    #expect(try world.log.offsets(of: world.changelog(0)).upperBound == end)
    // Back on its own, it goes on as if nothing had been.
    world.log.setClusterID("memory")
    #expect(run(world) == nil)
    try Checker(world: world).checkDrained()
  }

  /// The log of another cluster may be longer, so that no offset tells.
  @Test func aStoreOfALongerChangelogIsRefused() throws {
    let world = try settledWorld()
    let own = try #require(try identities(world).first)
    world.log.createTopic(World.changelog, partitions: 1)
    let other = World.Run(instance: "1", storage: MemoryStorage())
    world.log.createTopic(World.input, partitions: 1)
    try world.feed(0..<60)
    #expect(world.run(other).error == nil)
    let others = try #require(try identities(world).first)
    let error = run(world)
    let refusal = try #require(self.refusal(error))
    #expect(refusal.contains(own.text) && refusal.contains(others.text))
  }

  @Test func aStoreOfAChangelogThatWasRecreatedIsRefused() throws {
    let world = try settledWorld()
    world.log.createTopic(World.changelog, partitions: 1)
    let error = run(world)
    #expect(refusal(error)?.contains("this one ends at 0") == true)
  }

  /// A daemon that runs goes on with its store; without it, the changelog is no state.
  @Test func aChangelogThatWasRecreatedUnderADaemonIsNoState() throws {
    let world = try settledWorld()
    let records = try world.log.records(of: world.changelog(0))
    world.log.createTopic(World.changelog, partitions: 1)
    for record in records.suffix(3) {
      try world.log.append(to: world.changelog(0), key: record.key, value: record.value)
    }
    #expect(try identities(world).isEmpty)
    world.storage.lose(stage: World.stage, partition: 0)
    let error = try #require(run(world))
    #expect(error.reason.code == .stateLost && error.reaction == .stopDaemon)
    #expect(error.reason.text.contains("has only what has changed since"))
  }

  @Test func moreInputPartitionsAreNoOtherTopicAndFewerAre() {
    let stored = StoreOrigin(cluster: "c", application: "a", input: "i", partitions: 4)
    var met = stored
    met.partitions = 6
    #expect(stored.difference(from: met) == nil)
    met.partitions = 3
    #expect(stored.difference(from: met)?.contains("had 4 partitions, and it has 3") == true)
    met = stored
    met.application = "b"
    #expect(stored.difference(from: met)?.contains("application a, and this is b") == true)
    met = stored
    met.input = "j"
    #expect(stored.difference(from: met)?.contains("from i, and the stage reads j") == true)
  }

  /// A power loss takes the newest commits of a store with it.
  @Test func anIdentityThatTheStoreHasForgottenIsFoundInTheChangelog() throws {
    let world = try settledWorld()
    let before = try origin(world)
    var forgetful = before
    (forgetful.changelog, forgetful.changelogOffset) = (nil, nil)
    let store = try world.storage.open(stage: World.stage, partition: 0, tables: [])
    var writes = WriteSet()
    let (key, value) = (StoreOrigin.key, forgetful.encoded)
    writes.set(.meta, key.span.bytes, value.span.bytes)
    try store.commit(&writes, changelogOffset: try #require(try store.changelogOffset()))
    try store.close()
    #expect(run(world) == nil)
    #expect(try identities(world).count == 1)
    #expect(try origin(world) == before)
  }

  // MARK: Earlier versions

  @Test func aStoreOfAnEarlierVersionIsAdopted() throws {
    let world = try settledWorld()
    try forgetOrigin(world)
    world.log.setClusterID("its own")
    #expect(run(world) == nil)
    let adopted = recorder.kinds.contains {
      if case .storeAdopted(0, _) = $0 { true } else { false }
    }
    #expect(adopted)
    #expect(try origin(world).cluster == "its own")
    world.log.setClusterID("another")
    let error = run(world)
    #expect(refusal(error) != nil)
  }

  /// Its changelog has no identity yet: it gets one at its end, where the next rebuild finds it.
  @Test func aChangelogOfAnEarlierVersionGetsItsIdentity() throws {
    let world = try settledWorld()
    let records = try world.log.records(of: world.changelog(0))
    world.log.createTopic(World.changelog, partitions: 1)
    for record in records where record.key != [0] + ChangelogIdentity.key {
      let isPosition = record.key == [0] + Position.key
      try world.log.append(
        to: world.changelog(0), key: record.key,
        value: isPosition ? earlierPosition(try #require(record.value)) : record.value)
    }
    world.storage.lose(stage: World.stage, partition: 0)
    #expect(run(world) == nil)
    let identity = try #require(try identities(world).first)
    #expect(try origin(world).changelog == identity)
    world.storage.lose(stage: World.stage, partition: 0)
    #expect(run(world) == nil)
    #expect(try identities(world) == [identity])
    #expect(try origin(world).changelog == identity)
  }
}
