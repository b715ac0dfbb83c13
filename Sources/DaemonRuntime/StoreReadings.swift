import LMDBStore
import Metrics

/// How large the state stores are that this process has open, standby copies included.
enum StoreReadings {
  static let keys = Gauge<TableLabels>(
    "projectionist_store_keys", "Entries of each table of a state store")
  static let bytes = Gauge<StoreLabels>(
    "projectionist_store_bytes", unit: .bytes, "Bytes of a store's pages that hold data")
  static let fileBytes = Gauge<StoreLabels>(
    "projectionist_store_file_bytes", unit: .bytes,
    "Bytes of a store's file, pages free for reuse included")
  static let mapUsed = Gauge<StoreLabels>(
    "projectionist_store_map_used_ratio", unit: .ratio,
    "Share of what a store's file may grow to that it has")
  static let oldestReader = Gauge<StoreLabels>(
    "projectionist_store_oldest_reader_commits",
    "Commits since the view of a store's oldest reader, whose pages can't be reused")

  static let families = [
    keys.family, bytes.family, fileBytes.family, mapUsed.family, oldestReader.family,
  ]

  struct StoreLabels: MetricLabels {
    static let names = ["stage", "partition"]
    var stage: String
    var partition: Int32
    var values: [String] { [stage, "\(partition)"] }
  }

  struct TableLabels: MetricLabels {
    static let names = ["stage", "partition", "table"]
    var store: StoreLabels
    /// A declared table's name.
    var table: String
    var values: [String] { store.values + [table] }
  }

  /// - Returns: a store without those that are closed at this moment.
  static func read(_ storage: LMDBStorage) -> MetricStore {
    var metrics = MetricStore(families)
    for (stage, partition, store) in storage.openStores() {
      guard let statistics = try? store.statistics() else { continue }
      let labels = StoreLabels(stage: stage, partition: partition)
      for (table, count) in statistics.entries {
        metrics.set(keys, TableLabels(store: labels, table: table), to: Double(count))
      }
      metrics.set(bytes, labels, to: Double(statistics.usedBytes))
      metrics.set(fileBytes, labels, to: Double(statistics.fileBytes))
      let share = Double(statistics.fileBytes) / Double(max(1, statistics.mapBytes))
      metrics.set(mapUsed, labels, to: share)
      metrics.set(oldestReader, labels, to: Double(statistics.oldestReaderCommits))
    }
    return metrics
  }
}
