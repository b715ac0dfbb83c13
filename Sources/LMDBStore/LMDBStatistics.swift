import CLMDB
import StateStore

/// How large a store is.
public struct LMDBStatistics: Hashable, Sendable {
  /// One table's part.
  public struct Table: Hashable, Sendable {
    public let name: String
    public let entries: Int
    /// Levels of the tree, 0 if it is empty.
    public let depth: Int
    public let branchPages: Int
    public let leafPages: Int
    /// Pages of values too large for a leaf.
    public let overflowPages: Int

    /// Pages of all kinds.
    public var pages: Int { branchPages + leafPages + overflowPages }
  }

  /// The engine's own table, then the others by number.
  public let tables: [Table]
  public let pageBytes: Int
  /// Pages free for reuse by later commits.
  public let freePages: Int
  /// Bytes of the file, including pages free for reuse.
  public let fileBytes: Int
  /// The most the file may grow to.
  public let mapBytes: Int
  /// How many commits were made since the view of the oldest reader, which keeps their pages from
  /// being reused.
  public let oldestReaderCommits: Int

  /// Entries of each table, by number from 1.
  public var entries: [(name: String, count: Int)] {
    tables.dropFirst().map { ($0.name, $0.entries) }
  }

  /// Bytes of pages that hold data.
  public var usedBytes: Int { tables.reduce(0) { $0 + $1.pages } * pageBytes }

  init(_ environment: Environment) throws(StoreError) {
    let path = environment.path
    var info = unsafe MDB_envinfo()
    try unsafe LMDBFailure.check(mdb_env_info(environment.handle, &info), "inspect", path)
    // Before this reader is one of them.
    let oldest = unsafe ReaderTable(environment.handle).oldest ?? info.me_last_txnid
    oldestReaderCommits = unsafe max(0, info.me_last_txnid - oldest)
    let transaction = try unsafe Transaction(environment.handle, path, isReadOnly: true)
    var tables: [Table] = []
    var pageBytes = 0
    for (name, handle) in zip([StoreLayout.metaName] + environment.tableNames, environment.tables) {
      let table = try transaction.statistics(handle)
      pageBytes = Int(table.ms_psize)
      tables.append(
        Table(
          name: name, entries: table.ms_entries, depth: Int(table.ms_depth),
          branchPages: table.ms_branch_pages, leafPages: table.ms_leaf_pages,
          overflowPages: table.ms_overflow_pages))
    }
    self.tables = tables
    self.pageBytes = pageBytes
    freePages = try transaction.freePages()
    fileBytes = unsafe (info.me_last_pgno + 1) * pageBytes
    mapBytes = unsafe info.me_mapsize
  }
}
