import PipelineSimulation
import Simulation
import Streams
import Testing

/// Seeds of the simulator; `projectionist simulate` runs more of them.
struct SeedTests {
  private func replay(_ report: SeedReport) -> Comment {
    """
    projectionist simulate --seed \(report.seed) --trace --scenario \(report.scenario) \
    --guarantee \(report.guarantee.rawValue)
    """
  }

  @Test(arguments: ProcessingGuarantee.allCases, UInt64(0)..<10)
  func theEngineKeepsItsPromises(guarantee: ProcessingGuarantee, tens: UInt64) {
    for seed in (tens * 10)..<(tens * 10 + 10) {
      let report = CountingScenario.run(seed: seed, SimulationOptions(guarantee: guarantee))
      #expect(report.violation == nil, replay(report))
    }
  }

  @Test(arguments: ProcessingGuarantee.allCases, UInt64(0)..<20)
  func thePipelineKeepsItsPromises(guarantee: ProcessingGuarantee, seed: UInt64) {
    let report = PipelineScenario.run(seed: seed, SimulationOptions(guarantee: guarantee))
    #expect(report.violation == nil, replay(report))
  }

  @Test func redisIsFlushedNowAndThen() {
    let upsets = (UInt64(1)...10).map {
      PipelineScenario.run(seed: $0, SimulationOptions()).events.upsets
    }
    #expect(upsets.contains { $0 > 0 })
  }

  /// Each mistake is found within a hundred seeds, and it is the mistake that was found: the same
  /// seed without it keeps all promises.
  @Test(arguments: Canary.allCases)
  func aMistakeIsFound(canary: Canary) throws {
    let options = SimulationOptions(canary: canary)
    let scenario = SimulatedScenario.chosen(by: 1, options)
    let caught = (UInt64(1)...100).lazy.map { scenario.run(seed: $0, options) }
      .first { $0.violation != nil }
    let report = try #require(caught)
    let right = scenario.run(
      seed: report.seed, SimulationOptions(guarantee: report.guarantee))
    #expect(right.violation == nil)
  }

  /// A trace has every step, with its time and what happened.
  @Test(arguments: SimulatedScenario.allCases)
  func aSeedIsOneRun(scenario: SimulatedScenario) {
    let runs = (0..<2).map { _ in scenario.run(seed: 7, SimulationOptions(traces: true)) }
    #expect(runs[0].trace.count > 500)
    #expect(runs[0].trace == runs[1].trace)
    #expect(runs[0].steps == runs[1].steps)
    let untraced = scenario.run(seed: 7, SimulationOptions())
    #expect(untraced.trace.isEmpty)
    #expect(untraced.steps == runs[0].steps)
    #expect(untraced.events == runs[0].events)
    #expect(scenario.run(seed: 8, SimulationOptions(traces: true)).trace != runs[0].trace)
  }

  /// A simulation in which nothing goes wrong proves nothing.
  @Test func seedsAreFullOfTrouble() {
    var events = SeedEvents()
    var together = 0
    for seed in UInt64(1)...30 {
      let report = CountingScenario.run(seed: seed, SimulationOptions(guarantee: .exactlyOnce))
      events += report.events
      if report.instances > 1 { together += 1 }
    }
    #expect(events.crashes > 20)
    #expect(events.faults > 200)
    #expect(events.silences > 10)
    #expect(events.lostCommits > 20)
    #expect(events.storeCommits > 300)
    #expect(together > 10)
  }
}
