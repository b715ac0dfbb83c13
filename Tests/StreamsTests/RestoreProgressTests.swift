import Simulation
import StateStore
import Testing

@testable import Streams

struct RestoreProgressTests {
  private let lines = Lines()
  private let monitor = StageMonitor(stage: "count")

  @Test func everyTwoSecondsWithRateAndTimeLeft() {
    let clock = SimulatedClock()
    var progress = RestoreProgress("log", partitions: 4, at: clock.now)
    #expect(
      progress.begin(total: 1_000)
        == RestoreStatus(changelog: "log", partitions: 4, applied: 0, total: 1_000))
    var statuses: [RestoreStatus] = []
    for applied in stride(from: Int64(100), through: 1_000, by: 100) {
      clock.advance(by: .milliseconds(500))
      if let status = progress.advance(to: applied, of: 1_000, at: clock.now) {
        statuses.append(status)
      }
    }
    #expect(
      statuses == [
        RestoreStatus(
          changelog: "log", partitions: 4, applied: 400, total: 1_000, rate: 200,
          timeLeft: .seconds(3)),
        RestoreStatus(
          changelog: "log", partitions: 4, applied: 800, total: 1_000, rate: 200,
          timeLeft: .seconds(1)),
      ])
    #expect(
      progress.finish(records: 900, at: clock.now)
        == RestoreSummary(changelog: "log", partitions: 4, records: 900, duration: .seconds(5)))
  }

  /// While nothing was applied yet there is no rate to tell the end by.
  @Test func theSearchForTheEndIsShownToo() throws {
    let clock = SimulatedClock()
    var progress = RestoreProgress("log", partitions: 1, at: clock.now)
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
      storage: world.storage, monitor: monitor, logger: lines.logger(), stop: StopSignal(),
      pause: { _ in })
    let restored = try Restorer(environment: environment, changelog: World.changelog).open([])
    #expect(restored.isEmpty)
    #expect(process.effects == 0)
    #expect(lines.fields(of: "state restored").isEmpty)
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
    run.logger = lines.logger()
    #expect(world.run(run).error == nil)
    // At once, and before anything is read.
    #expect(lines.fields(of: "restoring state").first?["offsets"] != nil)
    let percents = lines.fields(of: "restoring state").compactMap {
      $0["percent"].flatMap(Int.init)
    }
    #expect(percents.count >= 3)
    #expect(percents == percents.sorted())
    #expect(percents.allSatisfy { (0...100).contains($0) })
    let restored = try #require(lines.fields(of: "state restored").last)
    #expect(restored["partitions"] == "3")
    // Changes, and a position for each of the batches.
    let records = try (0..<world.partitions).reduce(0) {
      try $0 + world.log.records(of: world.changelog($1)).count
    }
    #expect(restored["records"] == "\(records)")
    try Checker(world: world).checkDrained()
  }
}
