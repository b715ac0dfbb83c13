import EventLog
import StateStore

extension StageEnvironment {
  /// Opens a partition's store: its standby copy if there is one, else what is on disk, else a new
  /// one.
  func openStore(_ partition: Int32) throws(StageError) -> Storage.Store {
    do throws(StoreError) {
      if let copy = standby?.take(partition, for: configuration.instanceID, pause: pause) {
        return copy
      }
      return try openStoreOnDisk(partition)
    } catch {
      guard error.remedy == .rebuild else { throw refused(partition, .store(error)) }
      return try rebuildStore(partition, because: .store(error))
    }
  }

  /// Deletes a partition's store and opens a new one.
  func rebuildStore(_ partition: Int32, because error: StageError) throws(StageError)
    -> Storage.Store
  {
    emit(.storeRebuilt(partition: partition, error.reason))
    do throws(StoreError) {
      try storage.destroy(stage: configuration.name, partition: partition)
      return try openStoreOnDisk(partition)
    } catch { throw refused(partition, .store(error)) }
  }

  /// What a restored store stands for; `nil` for an empty one.
  func position(of store: Storage.Store, _ partition: Int32) throws(StageError) -> Position? {
    do throws(StageError) {
      let snapshot = try StageError.store { () throws(StoreError) in try store.snapshot() }
      return try snapshot.position()
    } catch { throw refused(partition, error) }
  }

  private func openStoreOnDisk(_ partition: Int32) throws(StoreError) -> Storage.Store {
    try storage.open(
      stage: configuration.name, partition: partition, tables: configuration.tables)
  }

  /// Tells of an error that leaves the store as it is.
  private func refused(_ partition: Int32, _ error: StageError) -> StageError {
    if error.reaction != .rebuildStore {
      emit(.storeRefused(partition: partition, error.reason))
    }
    return error
  }
}
