import EventLog
import Simulation
import Testing

@testable import Streams

/// What a stage tells of itself, from its first moment to its last.
struct EngineEventTests {
  /// A kind of event by its name, for the order of many.
  private func name(_ kind: EngineEvent.Kind) -> String {
    String("\(kind)".prefix { $0 != "(" })
  }

  @Test(arguments: ProcessingGuarantee.allCases)
  func aLifeIsToldInOrder(guarantee: ProcessingGuarantee) throws {
    var world = World(guarantee, partitions: 2)
    world.limits = BatchLimits(records: 6)
    try world.feed(0..<12)
    let told = EventRecorder()
    var run = World.Run()
    run.events = told.sink
    #expect(world.run(run).error == nil)
    let names = told.kinds.map(name)
    #expect(
      names.filter { $0 != "positions" } == [
        "joining", "assigned", "restored", "storeOpened", "storeOpened", "processing",
        "batchCommitted", "batchCommitted", "stopped",
      ])
    #expect(told.events.allSatisfy { $0.stage == World.stage && $0.role == .stage })
    #expect(told.kinds.last == .stopped(nil))
    #expect(
      told.kinds.contains(.storeOpened(partition: 1, inputOffset: nil)), "an empty changelog")
    let batches = told.kinds.compactMap { kind in
      if case .batchCommitted(let batch) = kind { batch } else { nil }
    }
    #expect(batches.map(\.records) == [6, 6])
    #expect(batches.allSatisfy { $0.bytes > 0 && $0.open >= .zero })
    #expect(
      batches.allSatisfy {
        $0.steps.map(\.step) == guarantee.strategy.steps
      })
    #expect(batches.last?.positions.values.map(\.nextOffset) == [6, 6])
  }

  /// The status is a fold of the events and of nothing else.
  @Test func positionsAreToldWhenTheyChange() throws {
    let world = World()
    try world.feed(0..<5)
    let told = EventRecorder()
    var run = World.Run()
    run.events = told.sink
    run.idlePolls = 10
    let result = world.run(run)
    var status = StageStatus(stage: World.stage)
    for event in told.events { status.apply(event) }
    #expect(status == result.status)
    // Ten polls that brought nothing told nothing.
    #expect(told.kinds.count { name($0) == "positions" } <= 2)
  }

  @Test func whatHoldsACommitUpIsToldOnce() throws {
    let world = World()
    try world.feed(0..<5)
    let told = EventRecorder()
    var run = World.Run()
    run.events = told.sink
    run.faults = { moment in
      moment.effect == .commitTransaction && moment.number < 3
        ? .fail(LogError(.unavailable, "no answer", reaction: .retry)) : nil
    }
    #expect(world.run(run).error == nil)
    let waits = told.kinds.filter { ["waiting", "resumed"].contains(name($0)) }
    #expect(waits == [.waiting(Reason(.brokerUnavailable, "no answer")), .resumed])
  }

  @Test func aFencedStageSaysWhyItJoinsAgain() throws {
    var world = World()
    world.limits = BatchLimits(records: 5)
    try world.feed(0..<20)
    let told = EventRecorder()
    var run = World.Run()
    run.events = told.sink
    run.faults = { moment in
      switch (moment.effect, moment.number) {
      case (.commitTransaction, 1): .fail(LogError(.fenced, "taken", reaction: .abandonPartition))
      case (.makeProducer, 1): .fail(LogError(.unavailable, "away", reaction: .retry))
      default: nil
      }
    }
    #expect(world.run(run).error == nil)
    let fenced = Reason(.fenced, "taken")
    let away = Reason(.brokerUnavailable, "away")
    let kinds = told.kinds
    let place = try #require(kinds.firstIndex(of: .fenced(fenced)))
    #expect(
      kinds[place...].prefix(3)
        == [.fenced(fenced), .rejoining(fenced, attempt: 1), .rejoining(away, attempt: 2)])
  }

  @Test func aLossIsToldBeforeTheStageStops() throws {
    let world = World()
    try world.feed(0..<10)
    world.run()
    try world.feed(10..<20)
    try world.log.truncate(world.input(0), before: 15)
    let told = EventRecorder()
    var run = World.Run()
    run.events = told.sink
    let error = try #require(world.run(run).error)
    #expect(error.reason.code == .offsetBelowLogStart)
    #expect(
      told.kinds.suffix(2) == [
        .retentionGuard(world.input(0), error.reason), .stopped(error.reason),
      ])
  }

  @Test func aDamagedStoreIsToldToBeRebuilt() throws {
    let world = World()
    try world.feed(0..<10)
    world.run()
    world.storage.damage(.atOpening, stage: World.stage, partition: 0)
    let told = EventRecorder()
    var run = World.Run()
    run.events = told.sink
    world.run(run)
    let rebuilt = told.kinds.compactMap { kind in
      if case .storeRebuilt(let partition, let reason) = kind {
        (partition, reason.code)
      } else {
        nil
      }
    }
    #expect(rebuilt.map(\.0) == [0] && rebuilt.map(\.1) == [.storeDamaged])
  }
}
