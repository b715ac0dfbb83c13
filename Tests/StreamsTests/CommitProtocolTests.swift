import EventLog
import Simulation
import Testing

@testable import Streams

struct CommitProtocolTests {
  @Test(arguments: ProcessingGuarantee.allCases)
  func inputBecomesStateAndOutputs(guarantee: ProcessingGuarantee) throws {
    var world = World(guarantee, partitions: 2)
    world.limits = BatchLimits(records: 7)
    try world.feed(0..<50)
    let result = world.run()
    #expect(result.error == nil)
    #expect(result.status.records == 50)
    #expect(result.status.batches >= 7)
    #expect(result.status.phase == .stopped)
    let committed = world.log.committedOffsets(of: "app-count")
    #expect(committed == [world.input(0): 25, world.input(1): 25])
    try Checker(world: world).checkDrained()
    let outputs = try Checker(world: world).outputs()
    #expect(outputs.values.reduce(0) { $0 + $1.count } == 50)

    // The next process goes on where this one stopped.
    try world.feed(50..<60)
    #expect(world.run().status.records == 10)
    try Checker(world: world).checkDrained()
  }

  @Test func positionsAndLagAreShown() throws {
    let world = World()
    try world.feed(0..<5)
    let status = world.run().status
    let newest = try world.log.records(of: world.input(0)).last?.timestamp
    #expect(
      status.partitions[world.input(0)]
        == .init(nextOffset: 5, endOffset: 5, newestTime: newest))
    #expect(status.lag == 0)
  }

  @Test func stoppingClosesTheStores() throws {
    let world = World(partitions: 2)
    try world.feed(0..<4)
    world.run()
    for partition in 0..<Int32(2) {
      #expect(world.storage.isClosed(stage: World.stage, partition: partition))
    }
  }

  struct CrashCase: CustomTestStringConvertible {
    var guarantee: ProcessingGuarantee
    var step: CommitStep
    /// Which time that the step is reached.
    var occurrence: Int
    var loses: Bool

    var testDescription: String {
      "\(guarantee), after \(step) number \(occurrence)\(loses ? ", store lost" : "")"
    }

    static let all = ProcessingGuarantee.allCases.flatMap { guarantee in
      CommitStep.allCases.flatMap { step in
        (1...4).flatMap { occurrence in
          [false, true].map {
            CrashCase(guarantee: guarantee, step: step, occurrence: occurrence, loses: $0)
          }
        }
      }
    }
  }

  @Test(arguments: CrashCase.all)
  func crashAfterAnyStepIsHarmless(crash: CrashCase) throws {
    var world = World(crash.guarantee)
    world.limits = BatchLimits(records: 5)
    try world.feed(0..<18, keys: 5)
    var run = World.Run()
    let reached = Counter()
    run.diesAfter = { $0 == crash.step && reached.next() == crash.occurrence }
    let first = world.run(run)
    let steps = crash.guarantee.strategy.steps
    #expect(first.process.isAlive == !steps.contains(crash.step))
    try Checker(world: world).checkStopped()

    // Batches are cut otherwise the second time.
    if crash.loses { world.storage.lose(stage: World.stage, partition: 0) }
    world.limits = BatchLimits(records: 3)
    try world.feed(18..<25, keys: 5)
    let second = world.run()
    #expect(second.error == nil)
    try Checker(world: world).checkDrained()

    // What the changelog says is the state as well.
    world.storage.lose(stage: World.stage, partition: 0)
    world.run()
    try Checker(world: world).checkDrained()
  }

  /// The position of a batch that is void is not sent behind it, outside of any transaction.
  @Test func aPositionThatIsRefusedIsNotOwed() throws {
    var world = World()
    world.limits = BatchLimits(records: 5)
    try world.feed(0..<5)
    var run = World.Run()
    run.faults = { moment in
      switch moment.effect {
      // Five outputs and three changes come before the position.
      case .send where moment.number == 8:
        .fail(LogError(.transactionAborted, "refused", reaction: .abortBatch))
      // The next poll brings nothing.
      case .poll where moment.number == 2: .silence
      default: nil
      }
    }
    let result = world.run(run)
    #expect(result.error == nil)
    #expect(result.status.abortedBatches == 1)
    try Checker(world: world).checkDrained()
  }
}
