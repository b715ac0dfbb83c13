public import ArgumentParser
import Console
import Foundation
import Operations
import PipelineSimulation
import Simulation
import Streams

/// `projectionist simulate`
struct SimulateCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "simulate",
    abstract: "Run the stages on a simulated Kafka, Redis and disk that fail, by seeds.",
    discussion: """
      Each seed is one run of one to three instances at the same time: processes are killed \
      between any two effects, stand still, are cut off and expelled, disks lose commits, brokers \
      don't answer. After every step checkers compare state, outputs and Redis with a naive fold \
      of the log. No Kafka and no Redis is needed, and a seed is the same run on every machine.

        projectionist simulate --seeds 1..10000
        projectionist simulate --seed 42 --trace | less
        projectionist simulate --canary store-first --seeds 1..100

      A seed that fails is replayed with a trace, and the command ends with code 1.
      """)

  @Option(help: "Which seeds, both ends included.")
  var seeds = SeedRange(1...1000)
  @Option(help: "Only this seed.")
  var seed: UInt64?
  @Option(help: "exactly_once or at_least_once (default: chosen by the seed).")
  var guarantee: ProcessingGuarantee?
  @Option(help: "engine or pipeline (default: chosen by the seed).")
  var scenario: SimulatedScenario?
  @Option(
    help: ArgumentHelp(
      "Put a mistake in that the checkers must find: "
        + Canary.allCases.map(\.rawValue).joined(separator: ", ") + "."))
  var canary: Canary?
  @Flag(
    help: """
      Let processes be taken for dead and go on under at_least_once as well, where no broker \
      fences them: their state is not promised then, and seeds will fail.
      """)
  var zombies = false
  @Flag(help: "With --seed: print every step.")
  var trace = false
  @Option(help: "Seeds that run at the same time (default: number of CPUs).")
  var jobs: Int?
  @Flag(help: "Print the result as JSON.")
  var json = false

  func validate() throws {
    if trace, seed == nil { throw ValidationError("--trace needs --seed.") }
    try (1...1024).check(jobs, "--jobs")
    if let guarantee, let needed = canary?.guarantee, guarantee != needed {
      throw ValidationError("This canary is about \(needed.rawValue).")
    }
  }

  private func options(traces: Bool = false) -> SimulationOptions {
    SimulationOptions(guarantee: guarantee, canary: canary, traces: traces, hasZombies: zombies)
  }

  func run() throws {
    let range = seed.map { $0...$0 } ?? seeds.seeds
    var progress = ProgressBar("simulating", unit: "seeds", goal: .count(range.count))
    let runner = SeedRunner(range, scenario: scenario, options())
    let jobs = min(self.jobs ?? ProcessInfo.processInfo.activeProcessorCount, range.count)
    let totals = runner.run(jobs: jobs) { progress.update($0) }
    let seconds = progress.elapsed / .seconds(1)
    if seed == nil { progress.finish(totals.seeds) }
    let replay = try self.replay(totals.failure)
    let result = SimulationResult(totals, replay, seconds: seconds, command: replayCommand)
    if json {
      print(try JSONText.of(result))
    } else {
      replay?.trace.forEach { print($0) }
      print(result.text)
    }
    guard let violation = totals.failure?.violation else { return }
    throw CommandFailure(
      .failure, "seed \(totals.failure?.seed ?? 0) violated a promise: \(violation)")
  }

  /// Runs the failed seed again, or the only one, with a trace.
  private func replay(_ failure: SeedReport?) throws -> SeedReport? {
    guard let seed = failure?.seed ?? (trace ? self.seed : nil) else { return nil }
    let report = SeedRunner.run(seed, scenario, options(traces: true))
    guard report.violation == failure?.violation else {
      throw CommandFailure(
        .internalError,
        "seed \(seed) is not the same run twice: \(report.violation?.description ?? "nothing"),"
          + " before: \(failure?.violation?.description ?? "no violation")")
    }
    return report
  }

  private func replayCommand(_ seed: UInt64) -> String {
    var words = ["projectionist simulate --seed \(seed) --trace"]
    if let guarantee { words.append("--guarantee \(guarantee.rawValue)") }
    if let scenario { words.append("--scenario \(scenario.rawValue)") }
    if let canary { words.append("--canary \(canary.rawValue)") }
    if zombies { words.append("--zombies") }
    return words.joined(separator: " ")
  }
}

extension SimulatedScenario: ExpressibleByArgument {}
extension Canary: ExpressibleByArgument {}
