public import Streams

/// A deliberate mistake. A checker that misses it would miss real ones too.
public enum Canary: String, Hashable, Sendable, CaseIterable {
  /// Commits the store before the log (exactly once).
  case storeFirst = "store-first"
  /// Sends the position together with the outputs it vouches for (at least once).
  case positionWithOutputs = "position-with-outputs"
  /// Lets members that no longer belong to the group commit (exactly once).
  case unfenced
  /// Redis overwrites newer features with older ones.
  case redisUnfenced = "redis-unfenced"
  /// The user stage takes events at or below the newest offset of their source for repeats.
  case watermark
  /// Places keys among the partitions that a topic has by now, not among those in use.
  case placesByCluster = "places-by-cluster"
  /// Events that are read again are judged by the present settings.
  case presentPolicy = "present-policy"

  /// The guarantee that the mistake breaks; `nil` for both.
  public var guarantee: ProcessingGuarantee? {
    switch self {
    case .storeFirst, .unfenced: .exactlyOnce
    case .positionWithOutputs: .atLeastOnce
    case .redisUnfenced, .watermark, .placesByCluster, .presentPolicy: nil
    }
  }

  /// Whether it is a mistake of the product's stages rather than the engine's.
  package var isOfPipeline: Bool {
    switch self {
    case .storeFirst, .positionWithOutputs, .unfenced: false
    case .redisUnfenced, .watermark, .placesByCluster, .presentPolicy: true
    }
  }

  /// The wrong order of a commit, in a stage with outputs.
  package var commitSteps: [CommitStep]? {
    switch self {
    case .storeFirst:
      [
        .closeBatch, .flushEffects, .sendPositions, .awaitDelivery, .commitStores,
        .commitTransaction,
      ]
    case .positionWithOutputs:
      [.closeBatch, .flushEffects, .sendPositions, .awaitDelivery, .commitStores, .commitOffsets]
    case .unfenced, .redisUnfenced, .watermark, .placesByCluster, .presentPolicy: nil
    }
  }
}
