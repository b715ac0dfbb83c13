public import StateStore
import Streams

/// A view of one user partition's store, moved to the last commit once a batch.
public struct PredictWorking<Store: StateStore> {
  /// What a user's recommendations depend on.
  struct UserState {
    /// Offset of the first event of the user's partition that is not in this state.
    var offset: Int64
    var rated: Set<Int64>
  }

  private let snapshot: Store.Snapshot?
  private var offset: Int64 = 0
  private var isCurrent = false

  init(_ snapshot: Store.Snapshot?) {
    self.snapshot = snapshot
    snapshot?.release()
  }

  /// Lets go of the view between batches: a view kept open makes the store keep, and grow by,
  /// everything that has changed since.
  mutating func release() {
    guard isCurrent else { return }
    snapshot?.release()
    isCurrent = false
  }

  mutating func read(ratingsOf user: Int64) throws(StageError) -> UserState {
    guard let snapshot else { return UserState(offset: 0, rated: []) }
    var rated: Set<Int64> = []
    if !isCurrent {
      do throws(StoreError) { try snapshot.renew() } catch { throw .store(error) }
      isCurrent = true
      offset = try snapshot.inputOffset() ?? 0
    }
    let key = StoreKey(user)
    do throws(StoreError) {
      try snapshot.scan(UserTables.ratings, prefix: key.span) { key, _ in
        if let movie = StoreKey.decodePair(key)?.second { rated.insert(movie) }
        return true
      }
    } catch { throw .store(error) }
    return UserState(offset: offset, rated: rated)
  }
}
