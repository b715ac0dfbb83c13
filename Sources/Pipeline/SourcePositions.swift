import EventLog
import StateStore
import Streams

/// The newest event of each source partition that is in a store's state, kept in the store.
///
/// A stage upstream that repeats its outputs after a crash (at least once) sends events again that
/// are already folded in. Each source partition's events arrive in its order, so one offset a source
/// partition tells them apart.
struct SourcePositions {
  private let table: Table
  private var offsets: [Int32: Int64] = [:]
  private var changed: Set<Int32> = []

  /// Loads the positions of a store.
  init<Store, Producer>(_ task: PartitionTask<Store, Producer>, table: Table) throws(StageError) {
    self.table = table
    var loaded: [Int32: Int64] = [:]
    let all: [UInt8] = []
    try task.scan(table, prefix: all.span.bytes) { key, value in
      guard let partition = StoreKey.decode(key), let offset = StoreInteger.decode(value) else {
        return true
      }
      loaded[Int32(truncatingIfNeeded: partition)] = offset
      return true
    }
    offsets = loaded
  }

  /// Notes an event.
  ///
  /// - Returns: false for one that is in the state already.
  mutating func advance(partition: Int32, offset: Int64) -> Bool {
    if let newest = offsets[partition], offset <= newest { return false }
    offsets[partition] = offset
    changed.insert(partition)
    return true
  }

  /// Puts what the batch has changed.
  mutating func put<Store, Producer>(_ task: PartitionTask<Store, Producer>) throws(StageError) {
    for partition in changed.sorted() {
      let key = StoreKey(Int64(partition))
      let value = StoreInteger(offsets[partition] ?? 0)
      try task.put(table, key.span, value.span)
    }
    changed.removeAll(keepingCapacity: true)
  }
}
