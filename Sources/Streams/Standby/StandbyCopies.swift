public import StateStore
import Synchronization

/// Which of a stage's partitions this instance keeps a warm copy of, and which it owns: where the
/// thread that follows changelogs hands stores to the threads that run the stage. There may be
/// several of those; each has partitions of its own, and a name (`StageConfiguration.instanceID`).
public final class StandbyCopies<Store: StateStore>: Sendable {
  private struct State {
    /// By partition, the stage's thread that has it: nobody else may write its store.
    var owners: [Int32: String] = [:]
    /// Copies that are followed. Nobody else keeps a reference to their stores: whoever opens one
    /// again would find it open.
    var stores: [Int32: Store] = [:]
    /// Partitions whose copies the follower uses at this moment; the stage waits for it.
    var busy: Set<Int32> = []
  }

  private let state = Mutex(State())

  public init() {}

  // MARK: The stage's threads

  /// Takes a partition for one of the stage's threads, with its copy if there is one. The copy
  /// stands where its changelog offset says, a moment behind the changelog.
  func take(_ partition: Int32, for owner: String, pause: (Duration) -> Void) -> Store? {
    state.withLock { $0.owners[partition] = owner }
    while state.withLock({ $0.busy.contains(partition) }) { pause(.milliseconds(1)) }
    return state.withLock { $0.stores.removeValue(forKey: partition) }
  }

  /// The owner has closed, or dropped, the partition's store. A partition that another thread has
  /// taken since stays with that thread.
  func giveBack(_ partition: Int32, by owner: String) {
    state.withLock { if $0.owners[partition] == owner { $0.owners[partition] = nil } }
  }

  // MARK: The follower's thread

  var owned: Set<Int32> { state.withLock { Set($0.owners.keys) } }

  /// Partitions with a copy that the stage has not taken.
  var kept: Set<Int32> { state.withLock { Set($0.stores.keys) } }

  /// Lends `body` the store of a partition's copy, to use, drop or set. The stage can't take the
  /// partition meanwhile.
  ///
  /// - Returns: `nil`, without a call of `body`, if the stage has the partition.
  func holding<R, E: Error>(_ partition: Int32, _ body: (inout Store?) throws(E) -> R) throws(E)
    -> R?
  {
    var store: Store?
    let isOurs = state.withLock { state in
      guard state.owners[partition] == nil, state.busy.insert(partition).inserted else {
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
