import Foundation
package import Simulation
import Streams

/// What a simulation tells at its end.
package struct SimulationResult: Encodable {
  package struct Failure: Encodable {
    package var seed: UInt64
    package var scenario: String
    package var guarantee: String
    package var violation: String
    package var replay: String
    package var trace: [String]
  }

  package var seeds: Int
  var scenarios: [String: Int]
  package var seconds: Double
  var steps: Int
  var simulatedSeconds: Double
  var crashes: Int
  var faults: Int
  var silences: Int
  var lostCommits: Int
  var storeCommits: Int
  var redisUpsets: Int
  package var failure: Failure?

  enum CodingKeys: String, CodingKey {
    case seeds, scenarios, seconds, steps
    case simulatedSeconds = "simulated_seconds"
    case crashes, faults, silences
    case lostCommits = "lost_commits"
    case storeCommits = "store_commits"
    case redisUpsets = "redis_upsets"
    case failure
  }

  package init(
    _ totals: SeedRunner.Totals, _ replay: SeedReport?, seconds: Double,
    command: (UInt64) -> String
  ) {
    seeds = totals.seeds
    scenarios = totals.scenarios
    self.seconds = seconds
    steps = totals.steps
    simulatedSeconds = totals.simulated / .seconds(1)
    crashes = totals.events.crashes
    faults = totals.events.faults
    silences = totals.events.silences
    lostCommits = totals.events.lostCommits
    storeCommits = totals.events.storeCommits
    redisUpsets = totals.events.upsets
    failure = totals.failure.map { failed in
      Failure(
        seed: failed.seed, scenario: failed.scenario, guarantee: failed.guarantee.rawValue,
        violation: failed.violation?.description ?? "", replay: command(failed.seed),
        trace: replay?.trace ?? [])
    }
  }

  package var text: String {
    let kinds = scenarios.sorted { $0.key < $1.key }.map { "\($0.value) \($0.key)" }
    let summary = """
      \(seeds) seeds (\(kinds.joined(separator: ", "))) in \(String(format: "%.1f", seconds)) s: \
      \(steps) steps, \(Int(simulatedSeconds)) simulated seconds
      \(crashes) crashes, \(faults) faults of single effects, \(silences) silences and expulsions, \
      \(lostCommits) lost commits of \(storeCommits), \(redisUpsets) times Redis was upset
      """
    guard let failure else { return summary + "\nno promise was broken" }
    return summary + """
      \n
      seed \(failure.seed) (\(failure.scenario), \(failure.guarantee)) has failed:
        \(failure.violation)
      to see it again:
        \(failure.replay)
      """
  }
}
