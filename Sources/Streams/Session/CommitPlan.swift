/// The commit protocol: the steps that end a batch, in an order that makes a crash between any two
/// of them harmless.
///
/// | the process dies | exactly once | at least once |
/// |---|---|---|
/// | before the log's commit | the transaction aborts; the store never saw it | outputs repeat |
/// | between the log's commit and the store's | the store is one batch behind and is rolled forward from its changelog | the same |
/// | after both | nothing to do | nothing to do |
///
/// Under at-least-once the position record is sent only after all outputs before it are
/// acknowledged, so a position in the changelog proves that everything that led to it is in the
/// log.
public enum CommitStep: String, Hashable, Sendable, CaseIterable {
  /// Operators send what the batch stands for, and tables write its changes.
  case closeBatch = "close_batch"
  /// Effects outside the log: Redis.
  case flushEffects = "flush_effects"
  /// Position records go to the changelogs.
  case sendPositions = "send_positions"
  /// Everything sent so far is acknowledged.
  case awaitDelivery = "await_delivery"
  /// Outputs, changelog and input offsets become visible together.
  case commitTransaction = "commit_transaction"
  /// The store of each touched partition takes its changes, atomically for its readers.
  case commitStores = "commit_stores"
  /// The group's offsets are committed, for lag displays and stateless stages.
  case commitOffsets = "commit_offsets"
}
