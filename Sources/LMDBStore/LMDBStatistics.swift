import CLMDB
import StateStore

/// How large a store is.
public struct LMDBStatistics: Hashable, Sendable {
  /// Entries by table, in the order of their numbers from 1.
  public var entries: [(name: String, count: Int)] { zip(names, counts).map { ($0, $1) } }
  /// Bytes of pages that hold data.
  public let usedBytes: Int
  /// Bytes of the file, including pages free for reuse.
  public let fileBytes: Int
  /// The most the file may grow to.
  public let mapBytes: Int
  private let names: [String]
  private let counts: [Int]

  init(_ environment: Environment) throws(StoreError) {
    let path = environment.path
    var info = MDB_envinfo()
    try LMDBFailure.check(mdb_env_info(environment.handle, &info), "inspect", path)
    let transaction = try Transaction(environment.handle, path, isReadOnly: true)
    var counts: [Int] = []
    var usedBytes = 0
    var pageBytes = 0
    for table in environment.tables {
      let table = try transaction.statistics(table)
      let pages = table.ms_branch_pages + table.ms_leaf_pages + table.ms_overflow_pages
      pageBytes = Int(table.ms_psize)
      usedBytes += pages * pageBytes
      counts.append(table.ms_entries)
    }
    self.usedBytes = usedBytes
    self.counts = Array(counts.dropFirst())
    names = environment.tableNames
    fileBytes = (info.me_last_pgno + 1) * pageBytes
    mapBytes = info.me_mapsize
  }
}
