import EventLog
import Simulation
import StateStore
import Testing

@testable import Streams

/// Markers at the ends of partitions, which positions pass when there is nothing to do.
struct IdleEndTests {
  /// Feeds records in a transaction, which leaves a marker behind them.
  private func feed(_ values: Range<Int>, to world: World) throws {
    let producer = try world.log.makeProducer(
      ProducerConfiguration(
        topics: [World.input], delivery: .transactional(id: "upstream"), clientID: "upstream"))
    try producer.beginTransaction()
    for value in values {
      let (key, bytes) = ("0-\(value % 3)".utf8Array, "\(value)".utf8Array)
      try producer.send(topic: 0, partition: 0, key: key.span.bytes, value: bytes.span.bytes)
    }
    try producer.commitTransaction()
  }

  private func storedPosition(_ world: World) throws -> Int64? {
    let meta = world.storage.contents(of: .meta, stage: World.stage, partition: 0)
    return try meta[Position.key].map { try Position(decoding: $0.span.bytes).inputOffset }
  }

  @Test(arguments: ProcessingGuarantee.allCases)
  func nothingIsLeftWhenTheInputIsDry(guarantee: ProcessingGuarantee) throws {
    let world = World(guarantee)
    try feed(0..<5, to: world)
    var run = World.Run()
    run.idlePolls = 60
    let told = EventRecorder()
    run.events = told.sink
    #expect(world.run(run).error == nil)
    let end = try world.log.offsets(of: world.input(0)).upperBound
    #expect(end == 6)
    #expect(world.log.committedOffsets(of: "app-count") == [world.input(0): end])
    #expect(try storedPosition(world) == end, "the store agrees")
    let batches = told.kinds.compactMap { kind in
      if case .batchCommitted(let batch) = kind { batch.records } else { nil }
    }
    #expect(batches == [5, 0], "it is passed once")
    try feed(5..<9, to: world)
    let again = EventRecorder()
    run.events = again.sink
    #expect(world.run(run).error == nil)
    #expect(world.log.committedOffsets(of: "app-count") == [world.input(0): end + 5])
    #expect(!again.kinds.contains { if case .offsetsDiffer = $0 { true } else { false } })
    try Checker(world: world).checkDrained()
  }

  @Test func nothingIsPassedWhileEventsCome() throws {
    let world = World()
    try feed(0..<5, to: world)
    var run = World.Run()
    // Ten polls are the time that the input must be dry.
    run.idlePolls = 8
    #expect(world.run(run).error == nil)
    #expect(world.log.committedOffsets(of: "app-count") == [world.input(0): 5])
  }

  /// What was read again after an abort lies before the end that was reached.
  @Test func anAbortForgetsTheEnds() throws {
    let world = World()
    try feed(0..<5, to: world)
    var run = World.Run()
    run.idlePolls = 60
    run.faults = { moment in
      moment.effect == .commitTransaction && moment.number < 2
        ? .fail(LogError(.transactionAborted, "refused", reaction: .abortBatch)) : nil
    }
    let result = world.run(run)
    #expect(result.error == nil && result.status.records == 5)
    #expect(world.log.committedOffsets(of: "app-count") == [world.input(0): 6])
    try Checker(world: world).checkDrained()
  }

  @Test func endsThatSayNothingAreForgotten() {
    let partition = TopicPartition("events", 0)
    let start = ContinuousClock.now
    var ends = IdleEnds()
    func isDue(_ seconds: Int) -> Bool { ends.isDue(at: start + .seconds(seconds)) }
    #expect(!isDue(0), "no end is known")
    ends.reach([partition: 7])
    #expect(!isDue(0))
    ends.noteRecords()
    #expect(!isDue(5) && isDue(6))
    #expect(ends.end(of: partition, beyond: 6) == 7 && ends.end(of: partition, beyond: 7) == nil)
    ends.forget([partition])
    #expect(ends.end(of: partition, beyond: 0) == nil)
  }
}
