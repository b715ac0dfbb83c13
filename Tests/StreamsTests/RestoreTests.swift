import EventLog
import Simulation
import StateStore
import Testing

@testable import Streams

struct RestoreTests {
  /// A world with several batches behind it.
  private func settledWorld(_ guarantee: ProcessingGuarantee) throws -> World {
    var world = World(guarantee)
    world.limits = BatchLimits(records: 4)
    try world.feed(0..<30, keys: 5)
    try world.feedReset(key: 3)
    #expect(world.run().error == nil)
    try Checker(world: world).checkDrained()
    return world
  }

  private func loseState(_ world: World) {
    world.storage.lose(stage: World.stage, partition: 0)
  }

  @Test(arguments: ProcessingGuarantee.allCases)
  func fromAnEmptyStore(guarantee: ProcessingGuarantee) throws {
    let world = try settledWorld(guarantee)
    loseState(world)
    let result = world.run()
    #expect(result.status.records == 0, "nothing is processed again")
    try Checker(world: world).checkDrained()
  }

  @Test(arguments: ProcessingGuarantee.allCases, [1, 3, 8])
  func fromAStoreThatIsBehind(guarantee: ProcessingGuarantee, commits: Int) throws {
    let world = try settledWorld(guarantee)
    world.storage.lose(commits: commits, stage: World.stage, partition: 0)
    #expect(world.run().status.records == 0)
    // At the end; a store that lacks nothing but a transaction's marker is left as it is.
    let last = try #require(try world.log.records(of: world.changelog(0)).last)
    let offset = try #require(world.storage.changelogOffset(stage: World.stage, partition: 0))
    #expect(offset > last.offset)
    try Checker(world: world).checkDrained()
  }

  /// What its commit had begun to write is in no changelog: nothing of it can be trusted.
  @Test(arguments: ProcessingGuarantee.allCases)
  func aStoreThatTheChangelogCanNotFinishIsRebuilt(guarantee: ProcessingGuarantee) throws {
    let world = try settledWorld(guarantee)
    world.storage.cutShort(stage: World.stage, partition: 0)
    #expect(world.run().status.records == 0)
    #expect(!world.storage.isUnfinished(stage: World.stage, partition: 0))
    try Checker(world: world).checkDrained()
  }

  @Test(arguments: ProcessingGuarantee.allCases, [true, false])
  func fromACompactedChangelog(guarantee: ProcessingGuarantee, keepsTombstones: Bool) throws {
    var world = try settledWorld(guarantee)
    let changelog = world.changelog(0)
    let before = try world.log.records(of: changelog).count
    try world.log.compact(changelog, keepsTombstones: keepsTombstones)
    world.isCompacted = true
    #expect(try world.log.records(of: changelog).count < before)
    loseState(world)
    #expect(world.run().status.records == 0)
    try Checker(world: world).checkDrained()
    try world.feed(30..<35, keys: 5)
    world.run()
    try Checker(world: world).checkDrained()
  }

  @Test(arguments: [true, false])
  func withAnAbortedTransactionAtTheEnd(losesStore: Bool) throws {
    let world = try settledWorld(.exactlyOnce)
    try world.feed(31..<34, keys: 5)
    var run = World.Run()
    run.diesAfter = { $0 == .sendPositions }
    world.run(run)
    if losesStore { loseState(world) }
    let result = world.run()
    #expect(result.error == nil)
    #expect(result.status.records == 3)
    try Checker(world: world).checkDrained()
  }

  /// Each costs a wait for the broker, and a restore needs one only.
  @Test func withoutTransactionsBatchesOfAMomentShareAPosition() throws {
    let world = try settledWorld(.atLeastOnce)
    let key = [Table.meta.rawValue] + Position.key
    let positions = try world.log.records(of: world.changelog(0)).filter { $0.key == key }
    // The first batch's, and once the input is dry the one of all that came after.
    #expect(positions.count == 2)
    let last = try #require(positions.last?.value)
    let position = try Checker(world: world).position(0)
    #expect(try Position(decoding: last.span.bytes).inputOffset == position)
  }

  /// The store knows more than the changelog's last position, until it is lost.
  @Test(arguments: [true, false])
  func batchesWithoutAPosition(losesStore: Bool) throws {
    let world = try settledWorld(.atLeastOnce)
    try world.feed(31..<43, keys: 5)
    var run = World.Run()
    let committed = Counter()
    run.diesAfter = { $0 == .commitStores && committed.next() == 3 }
    let died = world.run(run)
    #expect(!died.process.isAlive)
    try Checker(world: world).checkStopped()
    if losesStore { loseState(world) }
    // The first of the three batches has sent its position.
    #expect(world.run().status.records == (losesStore ? 8 : 0))
    try Checker(world: world).checkDrained()
  }

  /// A batch cut short leaves changes in the changelog that no position vouches for. They must not
  /// come back when a later batch brings a position.
  @Test func changesWithoutAPositionAreVoid() throws {
    var world = try settledWorld(.atLeastOnce)
    try world.feed(31..<35, keys: 5)
    var run = World.Run()
    run.diesAfter = { $0 == .closeBatch }
    world.run(run)
    #expect(
      try world.log.offsets(of: world.changelog(0)).upperBound
        > world.storage.changelogOffset(stage: World.stage, partition: 0) ?? 0)
    // What is left is taken back; the next batch changes one key only, and its store never sees it.
    world.limits = BatchLimits(records: 1)
    let positions = Counter()
    run.diesAfter = { $0 == .sendPositions && positions.next() == 2 }
    world.run(run)
    #expect(positions.value == 2)
    loseState(world)
    run = World.Run()
    run.diesAfter = { $0 == .closeBatch }
    world.run(run)
    try Checker(world: world).checkStopped()
    world.run()
    try Checker(world: world).checkDrained()
  }

  /// At least once a batch was cut short; exactly once goes on from there. Nothing but a position
  /// says which of the changes in the changelog count, whoever reads it.
  @Test(arguments: [true, false])
  func changesWithoutAPositionAreVoidExactlyOnceToo(losesStore: Bool) throws {
    var world = try settledWorld(.atLeastOnce)
    try world.feed(31..<35, keys: 5)
    var run = World.Run()
    run.diesAfter = { $0 == .closeBatch }
    world.run(run)
    let before = try world.log.offsets(of: world.changelog(0)).upperBound
    if losesStore { loseState(world) }
    // One key's event a batch: the first position must not vouch for the other keys' changes.
    world.guarantee = .exactlyOnce
    world.limits = BatchLimits(records: 1)
    run.diesAfter = { $0 == .closeBatch }
    world.run(run)
    #expect(try world.log.offsets(of: world.changelog(0)).upperBound > before, "taken back")
    loseState(world)
    #expect(world.run().error == nil)
    // Outputs of the batch that was cut short repeat.
    world.guarantee = .atLeastOnce
    try Checker(world: world).checkDrained()
  }

  @Test(arguments: ProcessingGuarantee.allCases, [CommitStep.sendPositions, .commitStores])
  func takingBackIsBegunAgain(guarantee: ProcessingGuarantee, step: CommitStep) throws {
    var world = try settledWorld(.atLeastOnce)
    try world.feed(31..<35, keys: 5)
    var run = World.Run()
    run.diesAfter = { $0 == .closeBatch }
    world.run(run)
    loseState(world)
    world.guarantee = guarantee
    run.diesAfter = { $0 == step }
    #expect(!world.run(run).process.isAlive)
    loseState(world)
    #expect(world.run().error == nil)
    world.guarantee = .atLeastOnce
    try Checker(world: world).checkDrained()
  }

  /// Going on without it would let the next position vouch for what was to be taken back.
  @Test func takingBackThatIsRefusedIsBegunAgain() throws {
    var world = try settledWorld(.atLeastOnce)
    try world.feed(31..<35, keys: 5)
    var run = World.Run()
    run.diesAfter = { $0 == .closeBatch }
    world.run(run)
    loseState(world)
    world.guarantee = .exactlyOnce
    world.limits = BatchLimits(records: 1)
    run = World.Run()
    let refused = LogError(.transactionAborted, "refused", reaction: .abortBatch)
    run.faults = { $0.effect == .commitTransaction && $0.number == 0 ? .fail(refused) : nil }
    #expect(world.run(run).error == nil)
    loseState(world)
    #expect(world.run().error == nil)
    world.guarantee = .atLeastOnce
    try Checker(world: world).checkDrained()
  }

  /// Partitions of different lengths, of which each needs something else.
  @Test(arguments: ProcessingGuarantee.allCases)
  func severalPartitionsAtOnce(guarantee: ProcessingGuarantee) throws {
    var world = World(guarantee, partitions: 4)
    world.limits = BatchLimits(records: 4)
    for value in 0..<90 {
      try world.feed(value, key: value % 7, partition: Int32(value * value % 4))
    }
    for value in 0..<9 { try world.feed(value, key: value % 3, partition: 2) }
    #expect(world.run().error == nil)
    try Checker(world: world).checkDrained()
    world.storage.lose(stage: World.stage, partition: 0)
    world.storage.lose(commits: 2, stage: World.stage, partition: 1)
    world.storage.damage(.atOpening, stage: World.stage, partition: 2)
    let store = try world.storage.open(stage: World.stage, partition: 3, tables: [])
    var writes = WriteSet()
    try store.commit(&writes, changelogOffset: 10_000)
    let result = world.run()
    #expect(result.error == nil)
    #expect(result.status.records == 0)
    try Checker(world: world).checkDrained()
  }

  @Test func aStoreThatBreaksWhileItIsRestoredIsRebuilt() throws {
    var world = World(partitions: 2)
    world.limits = BatchLimits(records: 4)
    try world.feed(0..<40)
    world.run()
    for partition in 0..<Int32(2) { world.storage.lose(stage: World.stage, partition: partition) }
    var run = World.Run()
    let broken = LogError(.other, "a page is torn", reaction: .rebuildStore)
    run.faults = { $0.effect == .commitStore && $0.number == 0 ? .fail(broken) : nil }
    let result = world.run(run)
    #expect(result.error == nil)
    #expect(result.status.records == 0)
    try Checker(world: world).checkDrained()
  }

  @Test func aStoreThatCanNotBeReadIsRebuilt() throws {
    let world = try settledWorld(.exactlyOnce)
    world.storage.damage(.whenRead, stage: World.stage, partition: 0)
    let result = world.run()
    #expect(result.error == nil)
    #expect(result.status.records == 0)
    #expect(result.pauses.count == 1, "joins once again")
    try Checker(world: world).checkDrained()
  }

  @Test func aFullDiskStopsTheDaemon() throws {
    let world = try settledWorld(.exactlyOnce)
    loseState(world)
    var run = World.Run()
    let full = LogError(.other, "no space left", reaction: .stopDaemon)
    run.faults = { $0.effect == .commitStore && $0.number == 0 ? .fail(full) : nil }
    #expect(world.run(run).error?.description.contains("no space left") == true)
    #expect(world.run().error == nil)
    try Checker(world: world).checkDrained()
  }

  @Test func aStoreBeyondTheLogsEndIsRebuilt() throws {
    let world = try settledWorld(.exactlyOnce)
    let store = try world.storage.open(stage: World.stage, partition: 0, tables: [])
    var writes = WriteSet()
    let (key, value) = ("0-9".utf8Array, "nonsense".utf8Array)
    writes.set(.tallies, key.span.bytes, value.span.bytes)
    try store.commit(&writes, changelogOffset: 10_000)
    #expect(world.run().status.records == 0)
    try Checker(world: world).checkDrained()
  }

  /// What was deleted from the beginning of a changelog nothing can bring back.
  @Test(arguments: [true, false])
  func aChangelogThatLacksItsBeginningStopsTheStage(losesStore: Bool) throws {
    let world = try settledWorld(.exactlyOnce)
    let end = world.storage.changelogOffset(stage: World.stage, partition: 0) ?? 0
    try world.log.truncate(world.changelog(0), before: end)
    #expect(world.run().error == nil, "the store has all that was deleted")
    if losesStore {
      loseState(world)
    } else {
      world.storage.lose(commits: 6, stage: World.stage, partition: 0)
      try world.feed(30..<40, keys: 5)
    }
    let error = try #require(world.run().error)
    #expect(error.description.hasPrefix("changelog_below_log_start: "))
    #expect(error.reaction == .stopDaemon)
  }

  /// With its changelog recreated and its store lost, a stage must not go on from where its group
  /// stands as if there had been nothing before.
  @Test(arguments: ProcessingGuarantee.allCases)
  func aLostStateStopsTheStage(guarantee: ProcessingGuarantee) throws {
    let world = try settledWorld(guarantee)
    world.storage.lose(stage: World.stage, partition: 0)
    world.log.createTopic(World.changelog, partitions: 1)
    let error = try #require(world.run().error)
    #expect(error.description.hasPrefix("state_lost: "))
    #expect(error.reaction == .stopDaemon)
  }

  @Test func aCorruptStoreIsRebuilt() throws {
    let world = try settledWorld(.exactlyOnce)
    world.storage.damage(.atOpening, stage: World.stage, partition: 0)
    #expect(world.run().status.records == 0)
    try Checker(world: world).checkDrained()
  }

  /// A former owner hangs with a transaction open on the changelog: what its successor commits
  /// stays invisible until that one times out, and must not be processed again before.
  @Test(arguments: [false, true])
  func restoreWaitsForOpenTransactions(losesStore: Bool) throws {
    let world = World()
    try world.feed(0..<6)
    world.run()
    let hung = OneThread(
      try world.log.makeProducer(
        ProducerConfiguration(
          topics: [World.changelog], delivery: .transactional(id: "hung"), clientID: "hung")))
    var run = World.Run()
    run.faults = { moment in
      guard moment.effect == .beginTransaction, moment.number == 0 else { return nil }
      try? hung.value.beginTransaction()
      let (key, value) = ([1] + "0-0".utf8Array, "nonsense".utf8Array)
      try? hung.value.send(
        topic: 0, partition: 0, key: key.span.bytes, value: value.span.bytes, headers: [],
        timestamp: nil, tracked: false)
      return nil
    }
    try world.feed(6..<12)
    world.run(run)
    let stable = try world.log.lastStableOffset(of: world.changelog(0))
    #expect(try stable < world.log.offsets(of: world.changelog(0)).upperBound)
    if losesStore { loseState(world) }

    let log = world.log
    let idle = Counter()
    run = World.Run()
    run.idlePolls = 8
    run.onIdle = { if idle.next() == 3 { log.expireTransaction("hung") } }
    let result = world.run(run)
    #expect(result.status.records == 0, "what was committed is not processed again")
    try Checker(world: world).checkDrained()
  }
}
