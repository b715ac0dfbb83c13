package import LMDBStore

/// What `state stat` prints of a store.
package struct StoreStatistics: Encodable {
  package struct TableRow: Encodable {
    package var name: String
    package var entries: Int
    package var bytes: Int
    package var depth: Int
    package var branchPages: Int
    package var leafPages: Int
    package var overflowPages: Int
  }

  package var stage: String
  package var partition: Int32
  package var tables: [TableRow]
  package var pageBytes: Int
  package var freePages: Int
  package var fileBytes: Int
  package var mapBytes: Int

  package init(_ place: StorePlace, _ statistics: LMDBStatistics) {
    stage = place.stage
    partition = place.partition
    tables = statistics.tables.map {
      TableRow(
        name: $0.name, entries: $0.entries, bytes: $0.pages * statistics.pageBytes,
        depth: $0.depth, branchPages: $0.branchPages, leafPages: $0.leafPages,
        overflowPages: $0.overflowPages)
    }
    pageBytes = statistics.pageBytes
    freePages = statistics.freePages
    fileBytes = statistics.fileBytes
    mapBytes = statistics.mapBytes
  }
}
