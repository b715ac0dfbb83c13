import Foundation
package import PipelineSimulation
package import Simulation
import Synchronization

/// Runs seeds on several threads. Each seed's run is the same whatever the others do.
package final class SeedRunner: Sendable {
  /// What all runs together were.
  package struct Totals {
    package var seeds = 0
    var scenarios: [String: Int] = [:]
    var steps = 0
    var simulated: Duration = .zero
    var events = SeedEvents()
    /// The lowest seed that has failed.
    package var failure: SeedReport?
  }

  private struct State {
    /// `nil` when all have been taken.
    var next: UInt64?
    var last: UInt64
    var totals = Totals()
    var isStopped = false
  }

  private let scenario: SimulatedScenario?
  private let options: SimulationOptions
  private let state: Mutex<State>

  package init(
    _ seeds: ClosedRange<UInt64>, scenario: SimulatedScenario?, _ options: SimulationOptions
  ) {
    self.scenario = scenario
    self.options = options
    state = Mutex(State(next: seeds.lowerBound, last: seeds.upperBound))
  }

  package static func run(
    _ seed: UInt64, _ scenario: SimulatedScenario?, _ options: SimulationOptions
  )
    -> SeedReport
  {
    (scenario ?? .chosen(by: seed, options)).run(seed: seed, options)
  }

  /// - Parameter progress: called now and then with how many seeds are done.
  package func run(jobs: Int, progress: (Int) -> Void) -> Totals {
    let ended = DispatchSemaphore(value: 0)
    for _ in 0..<jobs {
      let thread = Thread { [self] in
        while let seed = next() { add(Self.run(seed, scenario, options)) }
        ended.signal()
      }
      thread.start()
    }
    var running = jobs
    while running > 0 {
      if ended.wait(timeout: .now() + .milliseconds(250)) == .success { running -= 1 }
      progress(state.withLock { $0.totals.seeds })
    }
    return state.withLock { $0.totals }
  }

  private func next() -> UInt64? {
    state.withLock { state in
      guard let next = state.next else { return nil }
      // The lowest failing seed is the same for any number of threads.
      if let failure = state.totals.failure, failure.seed < next { return nil }
      state.next = next < state.last ? next + 1 : nil
      return next
    }
  }

  private func add(_ report: SeedReport) {
    state.withLock { state in
      state.totals.seeds += 1
      state.totals.scenarios[report.scenario, default: 0] += 1
      state.totals.steps += report.steps
      state.totals.simulated += report.simulated
      state.totals.events += report.events
      if report.violation != nil, report.seed < state.totals.failure?.seed ?? .max {
        state.totals.failure = report
      }
    }
  }
}
