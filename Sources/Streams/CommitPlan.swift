/// The commit protocol: the steps that end a batch, in an order that makes a crash between any two of
/// them harmless.
///
/// | the process dies | exactly once | at least once |
/// |---|---|---|
/// | before the log's commit | the transaction aborts; the store never saw it | outputs repeat |
/// | between the log's commit and the store's | the store is one batch behind and is rolled forward from its changelog | the same |
/// | after both | nothing to do | nothing to do |
///
/// Under at-least-once the position record is sent only after all outputs before it are
/// acknowledged, so a position in the changelog proves that everything that led to it is in the log.
public enum CommitStep: Hashable, Sendable, CaseIterable {
  /// Operators send what the batch stands for, and tables write its changes.
  case closeBatch
  /// Effects outside the log: Redis.
  case flushEffects
  /// Position records go to the changelogs.
  case sendPositions
  /// Everything sent so far is acknowledged.
  case awaitDelivery
  /// Outputs, changelog and input offsets become visible together.
  case commitTransaction
  /// The store of each touched partition takes its changes, atomically for its readers.
  case commitStores
  /// The group's offsets are committed, for lag displays and stateless stages.
  case commitOffsets

  static func steps(_ guarantee: ProcessingGuarantee, produces: Bool) -> [CommitStep] {
    guard produces else { return [.closeBatch, .flushEffects, .commitOffsets] }
    return switch guarantee {
    case .exactlyOnce:
      [.closeBatch, .flushEffects, .sendPositions, .commitTransaction, .commitStores]
    case .atLeastOnce:
      [
        .closeBatch, .flushEffects, .awaitDelivery, .sendPositions, .awaitDelivery, .commitStores,
        .commitOffsets,
      ]
    }
  }
}
