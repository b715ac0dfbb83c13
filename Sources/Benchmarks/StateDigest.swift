import Console
import LMDBStore
import Pipeline
import StateStore
import Streams

/// Tells whether two states are the same, byte for byte: within one process only.
struct StateDigest: Hashable {
  private var tables: [String: Int] = [:]
  private var inputOffsets: [String: Int64] = [:]
  private(set) var entries = 0

  /// Of all stores, which no daemon may change meanwhile.
  ///
  /// - Parameters:
  ///   - label: whose state it is, for the progress bar.
  ///   - check: throws when the user wants to stop.
  init(_ storage: LMDBStorage, label: String, check: () throws -> Void) throws {
    var progress = ProgressBar(label, unit: "entries")
    for stage in Topology.product where stage.isStateful {
      for partition in try storage.partitions(stage: stage.name) {
        try check()
        let name = "\(stage.name)[\(partition)]"
        let store = try storage.openReadOnly(stage: stage.name, partition: partition)
        let snapshot = try store.snapshot()
        inputOffsets[name] = try snapshot.inputOffset()
        for number in store.tables.indices {
          let table = Table(rawValue: UInt8(number + 1))
          tables["\(name).\(store.tables[number])"] = try digest(table, snapshot, &progress)
        }
      }
    }
    progress.close(entries)
  }

  private mutating func digest(
    _ table: Table, _ snapshot: LMDBSnapshot, _ progress: inout ProgressBar
  ) throws -> Int {
    var hasher = Hasher()
    var count = 0
    try snapshot.scan(table, prefix: [UInt8]().span.bytes) { key, value in
      for part in [key.byteCount, value.byteCount] { hasher.combine(part) }
      key.withUnsafeBytes { hasher.combine(bytes: $0) }
      value.withUnsafeBytes { hasher.combine(bytes: $0) }
      count += 1
      progress.update(entries + count)
      return true
    }
    entries += count
    return hasher.finalize()
  }
}
