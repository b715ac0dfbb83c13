public import Simulation

/// What a seed simulates.
public enum SimulatedScenario: String, Hashable, Sendable, CaseIterable {
  /// The engine with a counting stage.
  case engine
  /// The product's stages, with Redis.
  case pipeline

  /// The scenario that a seed chooses. The pipeline's takes longer, so it is rarer.
  public static func chosen(by seed: UInt64, _ options: SimulationOptions) -> SimulatedScenario {
    if let canary = options.canary {
      return [.redisUnfenced, .placesByCluster].contains(canary) ? .pipeline : .engine
    }
    return seed.isMultiple(of: 4) ? .pipeline : .engine
  }

  /// Runs a seed on the calling thread.
  public func run(seed: UInt64, _ options: SimulationOptions) -> SeedReport {
    switch self {
    case .engine: CountingScenario.run(seed: seed, options)
    case .pipeline: PipelineScenario.run(seed: seed, options)
    }
  }
}
