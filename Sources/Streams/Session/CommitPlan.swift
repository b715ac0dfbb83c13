/// The commit protocol: the steps that end a batch, in the order that makes a crash between any two
/// of them harmless.
///
/// | the process dies | exactly once | at least once |
/// |---|---|---|
/// | before the log's commit | the transaction aborts; the store never saw it | outputs repeat |
/// | between the log's commit and the store's | the store is one batch behind and is rolled forward from its changelog | the same |
/// | after both | nothing to do | nothing to do |
///
/// Under at-least-once the position record is sent only when all outputs before it are
/// acknowledged, so a position found in the changelog vouches for everything that led to it.
public enum CommitStep: String, Hashable, Sendable, CaseIterable {
  /// Operators put what the batch changed and send what it stands for.
  case closeBatch = "close_batch"
  /// Effects outside the log: Redis.
  case flushEffects = "flush_effects"
  /// Position records go to the changelogs.
  case sendPositions = "send_positions"
  /// Everything sent so far is acknowledged.
  case awaitDelivery = "await_delivery"
  /// Outputs, changelog and input offsets become visible together.
  case commitTransaction = "commit_transaction"
  /// Each touched partition's store takes its changes: all of them, for whoever reads it.
  case commitStores = "commit_stores"
  /// The group's offsets are committed, for lag displays and stages without state.
  case commitOffsets = "commit_offsets"
}
