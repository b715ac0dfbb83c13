import Foundation
import Simulation
import Streams

/// What a simulation tells at its end.
struct SimulationResult: Encodable {
  struct Failure: Encodable {
    var seed: UInt64
    var scenario: String
    var guarantee: String
    var violation: String
    var replay: String
    var trace: [String]
  }

  var seeds: Int
  var scenarios: [String: Int]
  var seconds: Double
  var steps: Int
  var simulatedSeconds: Double
  var crashes: Int
  var faults: Int
  var silences: Int
  var lostCommits: Int
  var storeCommits: Int
  var flushes: Int
  var failure: Failure?

  enum CodingKeys: String, CodingKey {
    case seeds, scenarios, seconds, steps
    case simulatedSeconds = "simulated_seconds"
    case crashes, faults, silences
    case lostCommits = "lost_commits"
    case storeCommits = "store_commits"
    case flushes, failure
  }

  init(
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
    flushes = totals.events.flushes
    failure = totals.failure.map { failed in
      Failure(
        seed: failed.seed, scenario: failed.scenario, guarantee: failed.guarantee.rawValue,
        violation: failed.violation?.description ?? "", replay: command(failed.seed),
        trace: replay?.trace ?? [])
    }
  }

  var text: String {
    let kinds = scenarios.sorted { $0.key < $1.key }.map { "\($0.value) \($0.key)" }
    let summary = """
      \(seeds) seeds (\(kinds.joined(separator: ", "))) in \(String(format: "%.1f", seconds)) s: \
      \(steps) steps, \(Int(simulatedSeconds)) simulated seconds
      \(crashes) crashes, \(faults) faults of single effects, \(silences) silences and expulsions, \
      \(lostCommits) lost commits of \(storeCommits), \(flushes) flushes of Redis
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
