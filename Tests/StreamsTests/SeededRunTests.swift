import EventLog
import Simulation
import StateStore
import Synchronization
import Testing

@testable import Streams

/// Random runs of one stage: whatever happens to it, its state is the fold of its input.
struct SeededRunTests {
  static let seeds = 0..<UInt64(400)

  @Test func everySeedKeepsThePromises() {
    for seed in Self.seeds {
      #expect(throws: Never.self, "seed \(seed)") { try RandomLife(seed: seed).live() }
    }
  }

  static let wrongOrders: [(ProcessingGuarantee, [CommitStep])] = [
    // The store before the log.
    (
      .exactlyOnce,
      [
        .closeBatch, .flushEffects, .sendPositions, .awaitDelivery, .commitStores,
        .commitTransaction,
      ]
    ),
    // The position together with the outputs it vouches for.
    (
      .atLeastOnce,
      [.closeBatch, .flushEffects, .sendPositions, .awaitDelivery, .commitStores, .commitOffsets]
    ),
  ]

  /// A commit protocol in the wrong order must not get past the checkers.
  @Test(arguments: wrongOrders)
  func aWrongOrderIsCaught(guarantee: ProcessingGuarantee, steps: [CommitStep]) throws {
    let caught = (0..<UInt64(100)).first { seed in
      do {
        try RandomLife(seed: seed, guarantee, steps: steps).live()
        return false
      } catch {
        return error is Violation
      }
    }
    let seed = try #require(caught)
    // It is the order that was caught.
    try RandomLife(seed: seed, guarantee).live()
  }

  @Test func aSeedIsOneRun() throws {
    var traces: [[MemoryRecord]] = []
    for _ in 0..<2 {
      let life = RandomLife(seed: 7)
      try life.live()
      traces.append(try life.world.log.records(of: life.world.changelog(0), readCommitted: false))
    }
    #expect(traces[0] == traces[1])
    #expect(!traces[0].isEmpty)
  }
}

/// A few processes, one after the other, each with its own faults and end.
struct RandomLife {
  var world: World
  private var random: SeededGenerator

  /// - Parameters:
  ///   - guarantee: `nil` leaves it to the seed.
  ///   - steps: replaces the commit protocol's.
  init(seed: UInt64, _ guarantee: ProcessingGuarantee? = nil, steps: [CommitStep]? = nil) {
    random = SeededGenerator(seed: seed)
    let chosen: ProcessingGuarantee = random.oneIn(2) ? .atLeastOnce : .exactlyOnce
    world = World(guarantee ?? chosen, partitions: Int32.random(in: 1...3, using: &random))
    world.commitSteps = steps
  }

  func live() throws {
    var life = self
    try life.liveOn()
  }

  private mutating func liveOn() throws {
    for _ in 0..<Int.random(in: 2...6, using: &random) {
      try feed()
      world.limits = BatchLimits(
        records: Int.random(in: 1...20, using: &random),
        busyRecords: random.oneIn(3) ? 0 : 1_000)
      let result = world.run(randomRun())
      try check(result)
      try Checker(world: world).checkStopped()
      try disturb()
    }
    try check(world.run())
    try Checker(world: world).checkDrained()
    // The changelog alone is enough.
    for partition in 0..<world.partitions {
      world.storage.lose(stage: World.stage, partition: partition)
    }
    try check(world.run())
    try Checker(world: world).checkDrained()
  }

  /// A process may die; it may not give up.
  private func check(_ result: World.Result) throws {
    if let error = result.error, result.process.isAlive {
      throw Violation("the stage has stopped: \(error)")
    }
  }

  // MARK: Input

  private mutating func feed() throws {
    for _ in 0..<Int.random(in: 0...40, using: &random) {
      let partition = Int32.random(in: 0..<world.partitions, using: &random)
      let key = Int.random(in: 0..<8, using: &random)
      switch Int.random(in: 0..<12, using: &random) {
      case 0: try world.feedReset(key: key, partition: partition)
      case 1: try world.log.append(to: world.input(partition), key: nil, value: nil)
      case 2: try feedTransaction(key: key, partition: partition)
      default:
        try world.feed(Int.random(in: -9...9, using: &random), key: key, partition: partition)
      }
    }
  }

  /// Upstream is transactional too: its aborts and markers leave gaps in the input.
  private mutating func feedTransaction(key: Int, partition: Int32) throws {
    let upstream = try world.log.makeProducer(
      ProducerConfiguration(
        topics: [World.input], delivery: .transactional(id: "upstream"), clientID: "upstream"))
    try upstream.beginTransaction()
    let key = "\(partition)-\(key)".utf8Array
    for value in 0..<Int.random(in: 1...3, using: &random) {
      let value = "\(value)".utf8Array
      try upstream.send(
        topic: 0, partition: partition, key: key.span.bytes, value: value.span.bytes, headers: [],
        timestamp: nil, tracked: false)
    }
    if random.oneIn(2) {
      try upstream.commitTransaction()
    } else {
      try upstream.abortTransaction(timeout: .zero)
    }
  }

  // MARK: What goes wrong

  private mutating func randomRun() -> World.Run {
    var run = World.Run()
    run.delivery = random.oneIn(3) ? .immediate : .seeded(random.next())
    run.maxFetchRecords = Int.random(in: 1...30, using: &random)
    let dying = Int.random(in: 0..<250, using: &random)
    let diesAfterwards = random.oneIn(2)
    let isMortal = !random.oneIn(4)
    let deadlyStep = random.oneIn(2) ? CommitStep.allCases.randomElement(using: &random) : nil
    let deadlyOccurrence = Int.random(in: 1...5, using: &random)
    let reached = Counter()
    run.diesAfter = { $0 == deadlyStep && reached.next() == deadlyOccurrence }
    let faults = Mutex(random)
    _ = random.next()
    let rate = Int.random(in: 10...200, using: &random)
    let guarantee = world.guarantee
    run.faults = { moment in
      if isMortal, moment.total == dying { return diesAfterwards ? .dieAfterwards : .die }
      return faults.withLock { random in
        guard random.oneIn(rate) else { return nil }
        return Self.fault(of: moment.effect, guarantee, &random)
      }
    }
    return run
  }

  private static func fault(
    of effect: SimulatedProcess.Effect, _ guarantee: ProcessingGuarantee,
    _ random: inout SeededGenerator
  ) -> SimulatedProcess.Fault? {
    let unavailable = LogError(.unavailable, "no answer", reaction: .retry)
    let refused = LogError(.transactionAborted, "refused", reaction: .abortBatch)
    let fenced = LogError(.fenced, "fenced", reaction: .abandonPartition)
    switch effect {
    case .poll:
      return random.oneIn(3)
        ? .fail(unavailable) : .redeliver(Int64.random(in: 1...5, using: &random))
    case .commitTransaction:
      let faults: [SimulatedProcess.Fault] = [
        .fail(unavailable), .failAfterwards(unavailable), .fail(refused), .fail(fenced),
        .failAfterwards(fenced),
      ]
      return faults.randomElement(using: &random)
    case .send: return random.oneIn(2) ? .fail(refused) : .fail(unavailable)
    case .flush: return random.oneIn(2) ? .failAfterwards(unavailable) : .fail(refused)
    case .abortTransaction: return .failAfterwards(unavailable)
    case .makeConsumer, .makeProducer, .beginTransaction, .assign, .commitOffsets:
      return random.oneIn(2) ? .fail(unavailable) : .failAfterwards(unavailable)
    case .unassign, .openStore, .destroyStore, .commitStore: return nil
    }
  }

  /// The offset after the last position in a changelog.
  private func endOfPositions(_ partition: Int32) throws -> Int64 {
    let position = [Table.meta.rawValue] + Position.key
    let records = try world.log.records(of: world.changelog(partition))
    return records.last { $0.key == position }.map { $0.offset + 1 } ?? 0
  }

  /// What happens while no process runs.
  private mutating func disturb() throws {
    for partition in 0..<world.partitions {
      switch Int.random(in: 0..<10, using: &random) {
      case 0: world.storage.lose(stage: World.stage, partition: partition)
      case 1:
        world.storage.lose(
          commits: Int.random(in: 1...6, using: &random), stage: World.stage, partition: partition)
      case 2: world.storage.corrupt(stage: World.stage, partition: partition)
      case 3:
        // Without transactions what lies beyond the last position is not settled: Kafka leaves the
        // newest segment alone as well.
        try world.log.compact(
          world.changelog(partition),
          below: world.guarantee == .exactlyOnce ? .max : try endOfPositions(partition))
        world.isCompacted = true
      default: break
      }
    }
  }
}
