import EventLog
import StateStore

/// A store that a restore loads with changes, chunk by chunk. Knows nothing of the changelog.
final class StoreLoader<Store: StateStore> {
  let partition: Int32
  let store: Store
  /// Why the store must be rebuilt from nothing.
  private(set) var damage: StageError?
  private let chunks: ChunkWriter<Store>

  init(_ partition: Int32, _ store: Store) {
    self.partition = partition
    self.store = store
    chunks = ChunkWriter(store)
  }

  /// Gives the store up: it must be rebuilt.
  func condemn(_ reason: Reason) { damage = .failed(reason, .rebuildStore) }

  /// Commits changes in the background, after the chunk before, and leaves an empty set.
  ///
  /// - Parameter pages: the most that one transaction of the store may change.
  func load(
    _ changes: inout WriteSet, changelogOffset: Int64, pages: Int, _ inBackground: BackgroundWork
  ) throws(StageError) {
    try noteDamage { () throws(StoreError) in
      try chunks.commit(&changes, changelogOffset: changelogOffset, pages: pages, inBackground)
    }
  }

  /// Waits until all chunks are committed.
  func finish() throws(StageError) {
    try noteDamage { () throws(StoreError) in try chunks.finish() }
  }

  /// Waits until nothing is being written, whether or not it succeeds.
  func settle() { chunks.settle() }

  /// Runs a call on the store. An error that a restore from nothing may repair becomes `damage`.
  func noteDamage(_ body: () throws(StoreError) -> Void) throws(StageError) {
    do throws(StoreError) { try body() } catch {
      guard error.remedy == .rebuild else { throw .store(error) }
      damage = .store(error)
    }
  }
}

/// How much a restore holds in memory, divided among the partitions that are restored together. It
/// does not depend on the length of their changelogs, nor on their number as long as a share is
/// worth a commit.
struct RestoreLimits: Hashable, Sendable {
  /// Bytes of a partition's changes that make a chunk; as many again may be on their way into the
  /// store.
  let chunkBytes: Int
  /// Pages that one transaction of a store may change.
  let pages: Int

  /// - Parameter partitions: at least one.
  init(partitions: Int) {
    chunkBytes = max(1 << 20, (12 << 20) / partitions)
    pages = max(256, 4_096 / partitions)
  }
}
