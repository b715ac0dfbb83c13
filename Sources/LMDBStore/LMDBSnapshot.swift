import CLMDB
import Glibc
public import StateStore
import Synchronization

/// A read transaction. It pins the pages of its commit, so the file grows while an old one is kept.
@safe public final class LMDBSnapshot: StateSnapshot {
  private let lease: EnvironmentLease
  private let transaction: OpaquePointer
  private let path: String
  /// A cursor per table, opened by its first scan.
  private var cursors: [OpaquePointer?]

  /// - Throws: `.wait` if a commit in parts is unfinished.
  init(_ lease: EnvironmentLease) throws(StoreError) {
    let environment = lease.environment
    var transaction: OpaquePointer?
    let code = environment.parts.withLock { _ in
      unsafe mdb_txn_begin(environment.handle, nil, UInt32(MDB_RDONLY), &transaction)
    }
    try LMDBFailure.check(code, "read", environment.path)
    guard let transaction = unsafe transaction else {
      throw LMDBFailure.error(ENOMEM, "read", environment.path)
    }
    self.lease = lease
    unsafe self.transaction = transaction
    path = environment.path
    unsafe cursors = Array(repeating: nil, count: environment.tables.count)
    try checkFinished()
  }

  deinit {
    for index in unsafe cursors.indices {
      if let cursor = unsafe cursors[index] { unsafe mdb_cursor_close(cursor) }
    }
    unsafe mdb_txn_abort(transaction)
  }

  public func get<R>(
    _ table: Table, _ key: RawSpan, _ body: (RawSpan?) -> R
  ) throws(StoreError) -> R {
    var value = unsafe MDB_val()
    let handle = handle(of: table)
    let code = unsafe withValue(key) { unsafe mdb_get(transaction, handle, &$0, &value) }
    // LMDB can't store an empty key.
    if code == MDB_NOTFOUND || code == MDB_BAD_VALSIZE { return body(nil) }
    try LMDBFailure.check(code, "read", path)
    return unsafe body(value.buffer.bytes)
  }

  public func scan(
    _ table: Table, prefix: RawSpan, _ body: (_ key: RawSpan, _ value: RawSpan) -> Bool
  ) throws(StoreError) {
    let cursor = try unsafe cursor(of: table)
    var key = unsafe MDB_val()
    var value = unsafe MDB_val()
    var code =
      if prefix.byteCount == 0 {
        unsafe mdb_cursor_get(cursor, &key, &value, MDB_FIRST)
      } else {
        unsafe withValue(prefix) { start in
          let code = unsafe mdb_cursor_get(cursor, &start, &value, MDB_SET_RANGE)
          unsafe key = start
          return code
        }
      }
    while code == MDB_SUCCESS {
      let found = unsafe key.buffer
      if unsafe !prefix.withUnsafeBytes({ unsafe found.starts(with: $0) }) { return }
      let isOwn = unsafe table == .meta && StoreLayout.isOwnKey(found.bytes)
      if unsafe !isOwn && !body(found.bytes, value.buffer.bytes) { return }
      code = unsafe mdb_cursor_get(cursor, &key, &value, MDB_NEXT)
    }
    if code != MDB_NOTFOUND { throw LMDBFailure.error(code, "scan", path) }
  }

  public func renew() throws(StoreError) {
    unsafe mdb_txn_reset(transaction)
    let code = lease.environment.parts.withLock { _ in unsafe mdb_txn_renew(transaction) }
    try LMDBFailure.check(code, "read", path)
    try checkFinished()
    for index in unsafe cursors.indices {
      guard let cursor = unsafe cursors[index] else { continue }
      try unsafe LMDBFailure.check(mdb_cursor_renew(transaction, cursor), "scan", path)
    }
  }

  public func release() {
    unsafe mdb_txn_reset(transaction)
  }

  /// The first changelog offset not in this view, `nil` for a store that was never written.
  public func changelogOffset() throws(StoreError) -> Int64? {
    let key = StoreLayout.offsetKey
    let bytes = try unsafe get(.meta, key.span.bytes) { (value) -> [UInt8]? in
      unsafe value?.withUnsafeBytes(Array.init)
    }
    return bytes.flatMap(Int64.init(bigEndianBytes:))
  }

  private func checkFinished() throws(StoreError) {
    let key = StoreLayout.unfinishedKey
    guard try unsafe get(.meta, key.span.bytes, { $0 != nil }) else { return }
    throw StoreError(
      "a commit to the store at \(path) is unfinished; the daemon finishes it when it runs and the "
        + "disk has room", remedy: .wait)
  }

  private func handle(of table: Table) -> MDB_dbi {
    let tables = lease.environment.tables
    precondition(Int(table.rawValue) < tables.count, "no such table")
    return tables[Int(table.rawValue)]
  }

  private func cursor(of table: Table) throws(StoreError) -> OpaquePointer {
    let handle = handle(of: table)
    if let cursor = unsafe cursors[Int(table.rawValue)] { return unsafe cursor }
    var opened: OpaquePointer?
    try unsafe LMDBFailure.check(mdb_cursor_open(transaction, handle, &opened), "scan", path)
    guard let cursor = unsafe opened else { throw LMDBFailure.error(ENOMEM, "scan", path) }
    unsafe cursors[Int(table.rawValue)] = cursor
    return unsafe cursor
  }
}

extension UnsafeRawBufferPointer {
  fileprivate func starts(with prefix: UnsafeRawBufferPointer) -> Bool {
    guard let start = baseAddress, let prefixStart = prefix.baseAddress else {
      return unsafe prefix.isEmpty
    }
    return unsafe count >= prefix.count && memcmp(start, prefixStart, prefix.count) == 0
  }
}

extension MDB_val {
  /// The bytes it points to.
  var buffer: UnsafeRawBufferPointer {
    unsafe UnsafeRawBufferPointer(start: mv_data, count: mv_size)
  }
}
