import CLMDB
import Glibc
public import StateStore
import Synchronization

/// A read transaction. It pins the pages of its commit: the file grows while an old one is kept.
public final class LMDBSnapshot: StateSnapshot {
  private let lease: EnvironmentLease
  private let transaction: OpaquePointer
  private let path: String
  /// One cursor a table, opened when first scanned.
  private var cursors: [OpaquePointer?]

  /// - Throws: `.wait` when a commit in parts is yet to be finished.
  init(_ lease: EnvironmentLease) throws(StoreError) {
    let environment = lease.environment
    var transaction: OpaquePointer?
    let code = environment.parts.withLock { _ in
      mdb_txn_begin(environment.handle, nil, UInt32(MDB_RDONLY), &transaction)
    }
    try LMDBFailure.check(code, "read", environment.path)
    guard let transaction else { throw LMDBFailure.error(ENOMEM, "read", environment.path) }
    self.lease = lease
    self.transaction = transaction
    path = environment.path
    cursors = Array(repeating: nil, count: environment.tables.count)
    try checkFinished()
  }

  deinit {
    for case let cursor? in cursors { mdb_cursor_close(cursor) }
    mdb_txn_abort(transaction)
  }

  public func get<R>(
    _ table: Table, _ key: RawSpan, _ body: (RawSpan?) -> R
  ) throws(StoreError) -> R {
    var value = MDB_val()
    let handle = handle(of: table)
    let code = withValue(key) { mdb_get(transaction, handle, &$0, &value) }
    // LMDB stores no empty key.
    if code == MDB_NOTFOUND || code == MDB_BAD_VALSIZE { return body(nil) }
    try LMDBFailure.check(code, "read", path)
    return body(value.buffer.bytes)
  }

  public func scan(
    _ table: Table, prefix: RawSpan, _ body: (_ key: RawSpan, _ value: RawSpan) -> Bool
  ) throws(StoreError) {
    let cursor = try cursor(of: table)
    var key = MDB_val()
    var value = MDB_val()
    var code =
      if prefix.byteCount == 0 {
        mdb_cursor_get(cursor, &key, &value, MDB_FIRST)
      } else {
        withValue(prefix) { start in
          let code = mdb_cursor_get(cursor, &start, &value, MDB_SET_RANGE)
          key = start
          return code
        }
      }
    while code == MDB_SUCCESS {
      let found = key.buffer
      if !prefix.withUnsafeBytes({ found.starts(with: $0) }) { return }
      let isOwn = table == .meta && StoreLayout.isOwnKey(found.bytes)
      if !isOwn && !body(found.bytes, value.buffer.bytes) { return }
      code = mdb_cursor_get(cursor, &key, &value, MDB_NEXT)
    }
    if code != MDB_NOTFOUND { throw LMDBFailure.error(code, "scan", path) }
  }

  public func renew() throws(StoreError) {
    mdb_txn_reset(transaction)
    let code = lease.environment.parts.withLock { _ in mdb_txn_renew(transaction) }
    try LMDBFailure.check(code, "read", path)
    try checkFinished()
    for case let cursor? in cursors {
      try LMDBFailure.check(mdb_cursor_renew(transaction, cursor), "scan", path)
    }
  }

  public func release() {
    mdb_txn_reset(transaction)
  }

  /// The changelog offset this view stands for, `nil` for a store that was never written.
  public func changelogOffset() throws(StoreError) -> Int64? {
    let key = StoreLayout.offsetKey
    let bytes = try get(.meta, key.span.bytes) { (value) -> [UInt8]? in
      value?.withUnsafeBytes(Array.init)
    }
    return bytes.flatMap(Int64.init(bigEndianBytes:))
  }

  private func checkFinished() throws(StoreError) {
    let key = StoreLayout.unfinishedKey
    guard try get(.meta, key.span.bytes, { $0 != nil }) else { return }
    throw StoreError(
      "a commit to the store at \(path) is not finished; the daemon finishes it when it runs and the "
        + "disk has room", remedy: .wait)
  }

  private func handle(of table: Table) -> MDB_dbi {
    let tables = lease.environment.tables
    precondition(Int(table.rawValue) < tables.count, "a table never named")
    return tables[Int(table.rawValue)]
  }

  private func cursor(of table: Table) throws(StoreError) -> OpaquePointer {
    let handle = handle(of: table)
    if let cursor = cursors[Int(table.rawValue)] { return cursor }
    var opened: OpaquePointer?
    try LMDBFailure.check(mdb_cursor_open(transaction, handle, &opened), "scan", path)
    guard let cursor = opened else { throw LMDBFailure.error(ENOMEM, "scan", path) }
    cursors[Int(table.rawValue)] = cursor
    return cursor
  }
}

extension UnsafeRawBufferPointer {
  fileprivate func starts(with prefix: UnsafeRawBufferPointer) -> Bool {
    guard let start = baseAddress, let prefixStart = prefix.baseAddress else {
      return prefix.isEmpty
    }
    return count >= prefix.count && memcmp(start, prefixStart, prefix.count) == 0
  }
}

extension MDB_val {
  /// The bytes it points to.
  var buffer: UnsafeRawBufferPointer { UnsafeRawBufferPointer(start: mv_data, count: mv_size) }
}
