import EventLog
import Simulation
import Testing

@testable import Streams

/// Topics that have more partitions than their keys were placed among.
struct GrowthTests {
  private func unused(_ told: EventRecorder) -> [[TopicPartition]] {
    told.kinds.compactMap {
      if case .partitionsUnused(let partitions) = $0 { partitions } else { nil }
    }
  }

  @Test(arguments: ProcessingGuarantee.allCases)
  func addedPartitionsOfTheInputAreLeftAlone(guarantee: ProcessingGuarantee) throws {
    var world = World(guarantee, partitions: 2)
    world.inputCounts = [2]
    try world.feed(0..<10)
    world.run()
    world.log.growTopic(World.input, to: 4)
    try world.log.append(to: world.input(3), key: [1], value: "1".utf8Array)
    try world.feed(10..<20)
    let told = EventRecorder()
    var run = World.Run()
    run.events = told.sink
    let result = world.run(run)
    #expect(result.error == nil && result.pauses.isEmpty && result.status.records == 10)
    #expect(unused(told) == [[world.input(2), world.input(3)]])
    #expect(world.log.committedOffsets(of: "app-count").keys.allSatisfy { $0.partition < 2 })
    try Checker(world: world).checkDrained()
  }

  /// The group assigns the new partitions to the running stage, which has no changelog for them.
  @Test func aStageGoesOnWhenItsInputGrows() throws {
    var world = World(partitions: 2)
    world.inputCounts = [2]
    try world.feed(0..<10)
    let log = world.log
    let told = EventRecorder()
    let idle = Counter()
    var run = World.Run()
    run.events = told.sink
    run.idlePolls = 8
    let feeding = OneThread(world)
    run.onIdle = {
      guard idle.next() == 2 else { return }
      log.growTopic(World.input, to: 3)
      do { try feeding.value.feed(10..<20) } catch { Issue.record(error) }
    }
    let result = world.run(run)
    #expect(result.error == nil && result.pauses.isEmpty)
    #expect(result.status.records == 20)
    #expect(unused(told) == [[world.input(2)]])
    try Checker(world: world).checkDrained()
  }

  @Test func keysArePlacedByTheCountInUse() throws {
    var world = World()
    world.outputCounts = [2]
    world.log.growTopic(World.output, to: 7)
    for key in 0..<50 { try world.feed(key, key: key) }
    world.run()
    var found = 0
    for partition in 0..<Int32(7) {
      for record in try world.log.records(of: TopicPartition(World.output, partition)) {
        let key = try #require(record.key)
        #expect(KafkaPartitioner.partition(key: key.span.bytes, count: 2) == partition)
        found += 1
      }
    }
    #expect(found == 50)
  }

  @Test func aCountIsOfTopicsThatDependOnIt() {
    let counts = PartitionCounts(["g": 4])
    #expect(counts.count(of: TopicDeclaration("a", partitions: .group("g"))) == 4)
    #expect(counts.count(of: TopicDeclaration("a", partitions: .group("h"))) == nil)
    #expect(counts.count(of: TopicDeclaration("a", partitions: .fixed(1))) == nil)
    let any = TopicDeclaration("a", partitions: .group("g"), acceptsAnyPartitionCount: true)
    #expect(counts.count(of: any) == nil)
  }
}

/// By how many partitions keys were placed.
struct PlacementTests {
  private func vote(_ keys: Range<Int>, among count: Int32, most: Int32) -> PlacementVote {
    var vote = PlacementVote(most: most)
    for key in keys {
      let bytes = "\(key)".utf8Array
      vote.add(
        bytes.span.bytes, in: KafkaPartitioner.partition(key: bytes.span.bytes, count: count))
    }
    return vote
  }

  @Test func theKeysTellTheCount() {
    for count in Int32(1)...12 {
      for wanted in Int32(1)...16 {
        #expect(vote(0..<100, among: count, most: 12).winner(wanted: wanted) == count)
      }
    }
  }

  @Test func nothingTellsNothing() {
    #expect(PlacementVote(most: 6).winner(wanted: 4) == nil)
  }

  /// Whatever count explains all keys there are is right for them.
  @Test func whereSeveralFitTheWantedOneIsTaken() throws {
    for key in 0..<40 {
      let one = vote(key..<key + 1, among: 4, most: 6)
      let bytes = "\(key)".utf8Array
      let place = KafkaPartitioner.partition(key: bytes.span.bytes, count: 4)
      let fits = KafkaPartitioner.partition(key: bytes.span.bytes, count: 6) == place
      #expect(one.winner(wanted: 4) == 4)
      #expect(try #require(one.winner(wanted: 6)) == 6 || !fits)
    }
  }

  @Test func othersAreOutvoted() {
    var mixed = vote(0..<60, among: 4, most: 6)
    for key in 100..<130 { mixed.add("\(key)".utf8Array.span.bytes, in: Int32(key % 6)) }
    #expect(mixed.winner(wanted: 6) == 4)
    #expect(mixed.keys == 90)
  }

  private static let outside = TopicDeclaration("outside", .shared, partitions: .group("g"))
  private static let placed = TopicDeclaration("placed", partitions: .group("g"))
  private static let topology = Topology(
    [StageDeclaration("stage", inputs: [outside], outputs: [.init(placed)])], application: "app")

  private func survey(_ log: MemoryLog, wanted: Int32) throws -> Int32? {
    var held: [TopicPartition: Range<Int64>] = [:]
    for partition in 0..<Int32(6) {
      let place = TopicPartition("placed", partition)
      held[place] = try log.offsets(of: place)
    }
    return try PlacementSurvey(log, Self.topology, clientID: "test")
      .counts(wanted: PartitionCounts(["g": wanted]), held: held).byGroup["g"]
  }

  @Test func theLogIsAsked() throws {
    let log = MemoryLog()
    log.createTopic("outside", partitions: 6)
    log.createTopic("placed", partitions: 6)
    #expect(try survey(log, wanted: 6) == 6, "an empty log has no opinion")
    for key in 0..<2_000 {
      let bytes = "\(key)".utf8Array
      let partition = KafkaPartitioner.partition(key: bytes.span.bytes, count: 4)
      try log.append(to: TopicPartition("placed", partition), key: bytes, value: nil)
      // Where others put what they write tells nothing.
      try log.append(to: TopicPartition("outside", Int32(key % 6)), key: bytes, value: nil)
    }
    #expect(try survey(log, wanted: 6) == 4)
    #expect(try survey(log, wanted: 4) == 4)
    try log.compact(TopicPartition("placed", 0))
    try log.truncate(TopicPartition("placed", 1), before: 100)
    #expect(try survey(log, wanted: 6) == 4)
  }
}
