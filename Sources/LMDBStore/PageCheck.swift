import Glibc
import StateStore

/// Checks the pages of a store's trees by reading the file. LMDB itself follows whatever a page
/// says: one flipped bit can end the process.
///
/// Pages have no checksums, so this finds contradictions: page numbers out of range or used twice,
/// wrong kinds and sizes, keys out of order, counts that differ from the tables' own. It can't find
/// a value whose bytes have changed.
///
/// Format: LMDB 0.9, `mdb.c`, `MDB_page`, `MDB_node`, `MDB_db` and `MDB_meta`.
struct PageCheck {
  /// How much is read.
  enum Extent {
    /// All pages except leaves and large values: about one in a hundred. The leaves' page numbers
    /// are checked too.
    case branches
    case everything
  }

  private let path: String
  private let file: Int32
  private let extent: Extent
  private var meta: MetaPage
  /// A bit for each page that a tree uses.
  private var used: [UInt64] = []
  /// The previous key in the same tree.
  private var lastKey: [UInt8] = []
  private var hasLastKey = false
  private var branches: UInt64 = 0
  private var leaves: UInt64 = 0

  /// - Parameters:
  ///   - file: open for reading. Stays open.
  ///   - path: the store's, for messages.
  ///   - transaction: the commit to check. A reader must keep it from being overwritten.
  init(_ file: Int32, _ path: String, transaction: Int, extent: Extent) throws(StoreError) {
    self.file = file
    self.path = path
    self.extent = extent
    meta = try Self.findMeta(file, path, UInt64(transaction))
    var status = stat()
    guard unsafe fstat(file, &status) == 0 else { throw LMDBFailure.system("inspect", path) }
    let needed = (meta.lastPage &+ 1).multipliedReportingOverflow(by: UInt64(meta.pageSize))
    guard !needed.overflow, UInt64(status.st_size) >= needed.partialValue else {
      throw StoreError(
        "the store at \(path) is truncated: its pages need more than its \(status.st_size) bytes; "
          + "rebuild it", remedy: .rebuild)
    }
  }

  /// Checks the trees.
  ///
  /// - Throws: `.rebuild`, naming the page.
  mutating func run() throws(StoreError) {
    used = Array(repeating: 0, count: Int(meta.lastPage / 64) + 1)
    try use(0)
    try use(1)
    try walk(meta.main, kind: .names)
    try walk(meta.free, kind: .freePages)
  }

  private enum TreeKind {
    /// Leaves name the tables.
    case names
    /// Leaves list pages that no tree uses.
    case freePages
    case table
  }

  // MARK: Pages

  private static func findMeta(_ file: Int32, _ path: String, _ transaction: UInt64)
    throws(StoreError) -> MetaPage
  {
    let first = try Page(file, path, number: 0, size: MetaPage.readBytes)
    let size = MetaPage(first).pageSize
    guard (512...65_536).contains(size), size & (size - 1) == 0 else {
      throw damaged(path, 0, "gives \(size) bytes as the page size")
    }
    let second = try Page(file, path, number: 1, size: Int(size))
    let metas = [MetaPage(first), MetaPage(second)]
    for (number, meta) in metas.enumerated() where !meta.isValid || meta.pageSize != size {
      throw damaged(path, UInt64(number), "is not a meta page")
    }
    guard let meta = metas.first(where: { $0.transaction == transaction }) else {
      throw damaged(path, 0, "does not know commit \(transaction)")
    }
    return meta
  }

  private static func damaged(_ path: String, _ page: UInt64, _ what: String) -> StoreError {
    StoreError(
      "the store at \(path) is damaged: page \(page) \(what); rebuild it", remedy: .rebuild)
  }

  private func damaged(_ page: UInt64, _ what: String) -> StoreError {
    Self.damaged(path, page, what)
  }

  private mutating func use(_ page: UInt64) throws(StoreError) {
    guard page <= meta.lastPage else { throw damaged(page, "is beyond the last one") }
    let bit: UInt64 = 1 << (page & 63)
    guard used[Int(page >> 6)] & bit == 0 else { throw damaged(page, "is used twice") }
    used[Int(page >> 6)] |= bit
  }

  // MARK: Trees

  private mutating func walk(_ tree: TreeRecord, kind: TreeKind) throws(StoreError) {
    guard tree.root != TreeRecord.noPage else { return }
    guard (1...32).contains(tree.depth) else {
      throw damaged(tree.root, "is the root of a tree \(tree.depth) levels deep")
    }
    lastKey.removeAll(keepingCapacity: true)
    hasLastKey = false
    branches = 0
    leaves = 0
    var tables: [TreeRecord] = []
    try descend(tree.root, levels: Int(tree.depth), kind: kind, tables: &tables)
    guard branches == tree.branchPages, leaves == tree.leafPages else {
      throw damaged(
        tree.root, "is the root of \(branches + leaves) pages, which is not what its record says")
    }
    for table in tables { try walk(table, kind: .table) }
  }

  private mutating func descend(
    _ number: UInt64, levels: Int, kind: TreeKind, tables: inout [TreeRecord]
  ) throws(StoreError) {
    try use(number)
    let isLeaf = levels == 1
    if isLeaf { leaves += 1 } else { branches += 1 }
    if isLeaf, kind == .table, extent == .branches { return }
    let page = try Page(file, path, number: number, size: Int(meta.pageSize))
    guard page.number == number else { throw damaged(number, "has the number \(page.number)") }
    guard page.kind == (isLeaf ? Page.leaf : Page.branch) else {
      throw damaged(number, "is not a \(isLeaf ? "leaf" : "branch")")
    }
    guard let count = page.nodeCount, count > 0 else {
      throw damaged(number, "has inconsistent limits")
    }
    for index in 0..<count {
      guard let node = page.node(index, isLeaf: isLeaf) else {
        throw damaged(number, "has an entry that reaches beyond it")
      }
      guard isLeaf else {
        try descend(node.child, levels: levels - 1, kind: kind, tables: &tables)
        continue
      }
      if kind != .freePages { try checkOrder(page.bytes[node.key], number) }
      try take(node, of: page, kind: kind, tables: &tables)
    }
  }

  /// Keys rise across all leaves of a tree.
  private mutating func checkOrder(_ key: ArraySlice<UInt8>, _ number: UInt64) throws(StoreError) {
    if hasLastKey, !lastKey.lexicographicallyPrecedes(key) {
      throw damaged(number, "has keys out of order")
    }
    lastKey.replaceSubrange(lastKey.indices, with: key)
    hasLastKey = true
  }

  private mutating func take(
    _ node: Node, of page: borrowing Page, kind: TreeKind, tables: inout [TreeRecord]
  ) throws(StoreError) {
    if kind == .names {
      guard node.isTree, !node.isElsewhere, node.length == TreeRecord.byteCount else {
        throw damaged(page.number, "has an entry that is not a table")
      }
      return tables.append(TreeRecord(page, at: node.value.lowerBound))
    }
    var value = page.bytes[node.value]
    if node.isElsewhere {
      let first = page.integer(UInt64.self, at: node.value.lowerBound)
      value = try takeOverflow(first, length: node.length)[...]
    }
    if kind == .freePages { try takeFreePages(value, page.number) }
  }

  /// - Returns: the value on overflow pages.
  private mutating func takeOverflow(_ first: UInt64, length: Int) throws(StoreError) -> [UInt8] {
    let size = Int(meta.pageSize)
    let pages = (Page.headerBytes + length + size - 1) / size
    for page in 0..<UInt64(pages) { try use(first &+ page) }
    let page = try Page(file, path, number: first, size: size, count: pages)
    guard page.number == first, page.kind == Page.overflow,
      page.integer(UInt32.self, at: 12) >= pages
    else { throw damaged(first, "is not the first page of a large value") }
    return Array(page.bytes[Page.headerBytes..<Page.headerBytes + length])
  }

  /// A list is its length, which may be zero, and page numbers.
  private mutating func takeFreePages(_ list: ArraySlice<UInt8>, _ number: UInt64)
    throws(StoreError)
  {
    let numbers = unsafe list.withUnsafeBytes { bytes in
      (0..<bytes.count / 8).map {
        unsafe bytes.loadUnaligned(fromByteOffset: 8 * $0, as: UInt64.self)
      }
    }
    guard let count = numbers.first, count < numbers.count else {
      throw damaged(number, "has an inconsistent list of free pages")
    }
    for page in numbers.dropFirst().prefix(Int(count)) { try use(page) }
  }
}
