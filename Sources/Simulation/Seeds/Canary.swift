public import Streams

/// A mistake put in on purpose. A checker that lets one live would let others live too.
public enum Canary: String, Hashable, Sendable, CaseIterable {
  /// The store's commit before the log's (exactly once).
  case storeFirst = "store-first"
  /// The position together with the outputs that it vouches for (at least once).
  case positionWithOutputs = "position-with-outputs"
  /// Whoever the group has moved on from may still commit (exactly once).
  case unfenced
  /// Redis takes older features for newer ones.
  case redisUnfenced = "redis-unfenced"

  /// The guarantee that the mistake is about; `nil` for either.
  public var guarantee: ProcessingGuarantee? {
    switch self {
    case .storeFirst, .unfenced: .exactlyOnce
    case .positionWithOutputs: .atLeastOnce
    case .redisUnfenced: nil
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
    case .unfenced, .redisUnfenced: nil
    }
  }
}
