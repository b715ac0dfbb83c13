import Simulation
import StateStore
import Testing

@testable import Streams

struct RestoreProgressTests {
  private let told = EventRecorder()

  private var restores: [RestoreStatus] {
    told.kinds.compactMap { if case .restoring(let status) = $0 { status } else { nil } }
  }

  private var summaries: [RestoreSummary] {
    told.kinds.compactMap { if case .restored(let summary) = $0 { summary } else { nil } }
  }

  @Test func hasAStatusAtTheBeginningAndTenTimesASecond() {
    let clock = SimulatedClock()
    var progress = RestoreProgress("log", partitions: 4, at: clock.now)
    clock.advance(by: .milliseconds(500))
    var statuses = [progress.begin(total: 1_000, at: clock.now)]
    for applied in stride(from: Int64(10), through: 1_000, by: 10) {
      clock.advance(by: .milliseconds(50))
      if let status = progress.advance(to: applied, of: 1_000, at: clock.now) {
        statuses.append(status)
      }
    }
    // Every second one would come too soon.
    #expect(statuses.map(\.applied) == Array(stride(from: 0, through: 1_000, by: 20)))
    #expect(statuses.allSatisfy { $0.changelog == "log" && $0.partitions == 4 })
    #expect(statuses.first?.elapsed == .zero && statuses.first?.rate == nil)
    let middle = statuses[25]
    #expect(middle.percent == 50 && middle.elapsed == .milliseconds(2_500))
    #expect(middle.rate == 200 && middle.timeLeft == .milliseconds(2_500))
    #expect(
      progress.finish(records: 900, at: clock.now)
        == RestoreSummary(
          changelog: "log", partitions: 4, records: 900, duration: .milliseconds(5_500)))
  }

  /// While nothing was applied yet there is no rate to tell the end by.
  @Test func theSearchForTheEndIsShownToo() throws {
    let clock = SimulatedClock()
    var progress = RestoreProgress("log", partitions: 1, at: clock.now)
    _ = progress.begin(total: 1_000, at: clock.now)
    clock.advance(by: .milliseconds(2_500))
    let due = progress.advance(to: 0, of: 1_000, at: clock.now)
    let status = try #require(due)
    #expect(status.percent == 0 && status.rate == 0 && status.timeLeft == nil)
  }

  /// A cooperative rebalance often brings a member nothing.
  @Test func whereNothingIsOpenedNothingIsRestored() throws {
    let world = World()
    let process = SimulatedProcess()
    let environment = StageEnvironment(
      configuration: world.configuration(), log: world.log.connected(process),
      storage: world.storage, events: told.sink, stop: StopSignal(), pause: { _ in })
    let restored = try Restorer(environment: environment, changelog: World.changelog).open([])
    #expect(restored.isEmpty)
    #expect(process.effects == 0)
    #expect(told.events.isEmpty)
  }

  /// A restore of several partitions that takes its time, step by step: every poll brings a little.
  @Test func aStageTellsOfAllItsPartitions() throws {
    var world = World(partitions: 3)
    world.limits = BatchLimits(records: 5)
    try world.feed(0..<60)
    world.run()
    for partition in 0..<world.partitions {
      world.storage.lose(stage: World.stage, partition: partition)
    }
    let clock = SimulatedClock()
    var run = World.Run()
    run.clock = clock
    run.maxFetchRecords = 4
    run.faults = { moment in
      if moment.effect == .poll { clock.advance(by: .milliseconds(1_100)) }
      return nil
    }
    run.events = told.sink
    #expect(world.run(run).error == nil)
    // At once, and before anything is read.
    #expect(restores.first?.elapsed == .zero)
    let percents = restores.map(\.percent)
    #expect(percents.count >= 3)
    #expect(percents == percents.sorted())
    #expect(percents.allSatisfy { (0...100).contains($0) })
    let restored = try #require(summaries.last)
    #expect(restored.partitions == 3)
    // Changes, and a position for each of the batches.
    let records = try (0..<world.partitions).reduce(0) {
      try $0 + world.log.records(of: world.changelog($1)).count
    }
    #expect(restored.records == records)
    let opened = told.kinds.count {
      if case .storeOpened(_, let offset) = $0 { offset != nil } else { false }
    }
    #expect(opened == 3)
    try Checker(world: world).checkDrained()
  }
}
