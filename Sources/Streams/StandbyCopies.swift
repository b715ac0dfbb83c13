public import StateStore
import Synchronization

/// Which of a stage's partitions this instance keeps a warm copy of, and which it owns: where the
/// thread that follows changelogs hands its stores to the stage's thread.
public final class StandbyCopies<Store: StateStore>: Sendable {
  private struct State {
    /// Partitions that are the stage's now: nobody else may write their stores.
    var owned: Set<Int32> = []
    /// Copies that are followed. Nobody else keeps a reference to their stores: whoever opens one
    /// again would find it open.
    var stores: [Int32: Store] = [:]
    /// Copies the follower is at this moment, to be waited for.
    var busy: Set<Int32> = []
  }

  private let state = Mutex(State())

  public init() {}

  // MARK: The stage's thread

  /// Takes a partition for the stage, with its copy if there is one. The copy stands where its
  /// changelog offset says, a moment behind the changelog.
  func take(_ partition: Int32, pause: (Duration) -> Void) -> Store? {
    state.withLock { _ = $0.owned.insert(partition) }
    while state.withLock({ $0.busy.contains(partition) }) { pause(.milliseconds(1)) }
    return state.withLock { $0.stores.removeValue(forKey: partition) }
  }

  /// The stage has closed, or dropped, the partition's store.
  func giveBack(_ partition: Int32) {
    state.withLock { _ = $0.owned.remove(partition) }
  }

  // MARK: The follower's thread

  var owned: Set<Int32> { state.withLock { $0.owned } }

  /// Partitions whose copies the stage has not taken.
  var kept: Set<Int32> { state.withLock { Set($0.stores.keys) } }

  /// Lends `body` the store of a partition's copy, to use, to drop or to set, while the stage can't
  /// take the partition.
  ///
  /// - Returns: `nil`, without having run it, when the stage has the partition.
  func holding<R, E: Error>(_ partition: Int32, _ body: (inout Store?) throws(E) -> R) throws(E)
    -> R?
  {
    var store: Store?
    let isOurs = state.withLock { state in
      guard !state.owned.contains(partition), state.busy.insert(partition).inserted else {
        return false
      }
      store = state.stores.removeValue(forKey: partition)
      return true
    }
    guard isOurs else { return nil }
    defer {
      state.withLock { state in
        state.stores[partition] = store.take()
        state.busy.remove(partition)
      }
    }
    return try body(&store)
  }
}
