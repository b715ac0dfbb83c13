import EventLog
import Simulation
import Testing

@testable import Streams

struct TimeTallyTests {
  /// Against counting each age by itself.
  @Test(arguments: UInt64(0)..<20)
  func agesAreCountedByBucket(seed: UInt64) {
    var random = SeededGenerator(seed: seed)
    var times = TimeTally()
    let now: Int64 = 1_700_000_000_000
    var ages: [Int64] = []
    var time = now
    for _ in 0..<Int.random(in: 0...2_000, using: &random) {
      if random.oneIn(3) { time = now - Int64.random(in: -5...5_000_000, using: &random) }
      if random.oneIn(20) { time = -1 }
      times.note(time)
      if time >= 0 { ages.append(max(0, now - time)) }
      if time < 0 { time = now - 1_000 }
    }
    let counted = times.ages(at: now)
    #expect(counted.count == ages.count && counted.sum == ages.reduce(0, +))
    var below: Int64 = 0
    for (bucket, count) in counted.counts.enumerated() {
      below += count
      let bound = bucket < AgeHistogram.bounds.count ? AgeHistogram.bounds[bucket] : .max
      #expect(below == ages.count { $0 <= bound })
    }
    times.removeAll()
    #expect(times.ages(at: now).isEmpty)
  }

  @Test func otherBucketsAreRefused() {
    #expect(AgeHistogram(counts: [1, 2], sum: 3) == nil)
    #expect(AgeHistogram(counts: [], sum: 0) == AgeHistogram())
  }

  /// A batch tells what it read and sent, and how old that was.
  @Test(arguments: ProcessingGuarantee.allCases)
  func aBatchTellsOfItsRecords(guarantee: ProcessingGuarantee) throws {
    let world = World(guarantee)
    try world.feed(0..<10)
    let told = EventRecorder()
    var run = World.Run()
    run.events = told.sink
    run.time = { 60_000 }
    #expect(world.run(run).error == nil)
    let batches = told.kinds.compactMap { kind in
      if case .batchCommitted(let batch) = kind { batch } else { nil }
    }
    #expect(batches.flatMap(\.inputs).reduce(0) { $0 + $1.records } == 10)
    #expect(batches.flatMap(\.inputs).allSatisfy { $0.topic == World.input && $0.bytes > 0 })
    let sent = Dictionary(grouping: batches.flatMap(\.outputs)) { $0.topic }
      .mapValues { $0.reduce(0) { $0 + $1.records } }
    #expect(sent[World.output] == (try tallies(in: world)))
    #expect(sent[World.changelog] ?? 0 > 0)
    #expect(batches.reduce(0) { $0 + $1.ages.count } <= 10)
    // Without a clock, nobody asks.
    let silent = EventRecorder()
    try world.feed(10..<12)
    run.events = silent.sink
    run.time = nil
    #expect(world.run(run).error == nil)
    #expect(
      silent.kinds.allSatisfy { kind in
        if case .batchCommitted(let batch) = kind { batch.ages.isEmpty } else { true }
      })
  }

  private func tallies(in world: World) throws -> Int {
    try (Int32(0)..<2).reduce(0) {
      try $0 + world.log.records(of: TopicPartition(World.output, $1)).count
    }
  }
}
