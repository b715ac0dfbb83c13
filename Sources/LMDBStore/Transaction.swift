import CLMDB
import Glibc
import StateStore

/// A transaction, aborted unless committed.
@safe struct Transaction: ~Copyable {
  let path: String
  private var handle: OpaquePointer?

  init(_ environment: OpaquePointer, _ path: String, isReadOnly: Bool) throws(StoreError) {
    self.path = path
    let code = unsafe mdb_txn_begin(environment, nil, isReadOnly ? UInt32(MDB_RDONLY) : 0, &handle)
    try LMDBFailure.check(code, isReadOnly ? "read" : "write", path)
  }

  deinit {
    if let handle = unsafe handle { unsafe mdb_txn_abort(handle) }
  }

  /// For a reader, the number of the commit it sees.
  var id: Int { unsafe handle.map { unsafe Int(mdb_txn_id($0)) } ?? 0 }

  mutating func commit() throws(StoreError) {
    let code = unsafe mdb_txn_commit(handle)
    unsafe handle = nil
    try LMDBFailure.check(code, "commit to", path)
  }

  func openTable(_ name: String, create: Bool) throws(StoreError) -> MDB_dbi {
    var table: MDB_dbi = 0
    let code = unsafe mdb_dbi_open(handle, name, create ? UInt32(MDB_CREATE) : 0, &table)
    if code == MDB_NOTFOUND {
      throw StoreError("the store at \(path) has no table \(name) yet", remedy: .stop)
    }
    try LMDBFailure.check(code, "open a table of", path)
    return table
  }

  func statistics(_ table: MDB_dbi) throws(StoreError) -> MDB_stat {
    var statistics = MDB_stat()
    try unsafe LMDBFailure.check(mdb_stat(handle, table, &statistics), "inspect", path)
    return statistics
  }

  /// Counts the pages free for reuse. Each entry of LMDB's own table 0 is a list of them, length
  /// first.
  func freePages() throws(StoreError) -> Int {
    let cursor = try unsafe cursor(0)
    defer { unsafe mdb_cursor_close(cursor) }
    var key = unsafe MDB_val()
    var value = unsafe MDB_val()
    var count = 0
    var code = unsafe mdb_cursor_get(cursor, &key, &value, MDB_FIRST)
    while code == MDB_SUCCESS {
      unsafe count += value.buffer.loadUnaligned(as: Int.self)
      code = unsafe mdb_cursor_get(cursor, &key, &value, MDB_NEXT)
    }
    if code != MDB_NOTFOUND { throw LMDBFailure.error(code, "inspect", path) }
    return count
  }

  func get(_ table: MDB_dbi, _ key: [UInt8]) throws(StoreError) -> [UInt8]? {
    var value = unsafe MDB_val()
    let code = unsafe withValue(key.span.bytes) { unsafe mdb_get(handle, table, &$0, &value) }
    if code == MDB_NOTFOUND { return nil }
    try LMDBFailure.check(code, "read", path)
    return unsafe Array(UnsafeRawBufferPointer(start: value.mv_data, count: value.mv_size))
  }

  func put(_ table: MDB_dbi, _ key: [UInt8], _ value: [UInt8]) throws(StoreError) {
    let code = unsafe withValue(key.span.bytes) { key in
      unsafe withValue(value.span.bytes) { unsafe mdb_put(handle, table, &key, &$0, 0) }
    }
    try LMDBFailure.check(code, "write to", path)
  }

  /// Deletes an entry, if there is one.
  func delete(_ table: MDB_dbi, _ key: [UInt8]) throws(StoreError) {
    let code = unsafe withValue(key.span.bytes) { unsafe mdb_del(handle, table, &$0, nil) }
    if code != MDB_NOTFOUND { try LMDBFailure.check(code, "write to", path) }
  }

  /// A cursor. LMDB frees a write transaction's; the caller closes a reader's.
  func cursor(_ table: MDB_dbi) throws(StoreError) -> OpaquePointer {
    var cursor: OpaquePointer?
    try unsafe LMDBFailure.check(mdb_cursor_open(handle, table, &cursor), "write to", path)
    guard let cursor = unsafe cursor else { throw LMDBFailure.error(ENOMEM, "write to", path) }
    return unsafe cursor
  }
}

/// Lends bytes to a call that takes an `MDB_val` and doesn't change the bytes.
@inline(__always)
func withValue<R>(_ bytes: RawSpan, _ body: (inout MDB_val) -> R) -> R {
  unsafe bytes.withUnsafeBytes { buffer in
    var value = unsafe MDB_val(
      mv_size: buffer.count, mv_data: UnsafeMutableRawPointer(mutating: buffer.baseAddress))
    return unsafe body(&value)
  }
}
