import Dispatch
import StateStore
import Synchronization

/// Runs work on another thread than the one that asks for it; in a simulation, on it and at once.
public typealias BackgroundWork = @Sendable (@escaping @Sendable () -> Void) -> Void

/// Commits chunks to a store on another thread than the one that fills them, one after the other.
/// It accepts the next one when the one before is done, so there are never more than two.
final class ChunkWriter<Store: StateStore>: Sendable {
  private struct Chunk {
    var writes = WriteSet()
    var failure: StoreError?
  }

  private let store: Store
  private let chunk = Mutex(Chunk())
  private let idle = DispatchSemaphore(value: 1)

  init(_ store: Store) {
    self.store = store
  }

  /// Takes the writes and leaves an empty set.
  ///
  /// - Throws: what the chunk before has failed with.
  func commit(
    _ writes: inout WriteSet, changelogOffset: Int64, pages: Int, _ inBackground: BackgroundWork
  ) throws(StoreError) {
    idle.wait()
    let failure = chunk.withLock { chunk in
      if chunk.failure == nil { swap(&chunk.writes, &writes) }
      return chunk.failure
    }
    if let failure {
      idle.signal()
      throw failure
    }
    inBackground { [self] in
      chunk.withLock { chunk in
        do throws(StoreError) {
          try store.commitInParts(
            &chunk.writes, changelogOffset: changelogOffset, pages: pages)
        } catch { chunk.failure = error }
        chunk.writes.removeAll()
      }
      idle.signal()
    }
  }

  func finish() throws(StoreError) {
    settle()
    if let failure = chunk.withLock({ $0.failure }) { throw failure }
  }

  func settle() {
    idle.wait()
    idle.signal()
  }
}
