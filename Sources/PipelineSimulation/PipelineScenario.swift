public import Simulation

public enum PipelineScenario {
  public static func run(seed: UInt64, _ options: SimulationOptions) -> SeedReport {
    CountingScenario.run(seed: seed, options)
  }
}
