import CLMDB
public import StateStore
import Synchronization

/// One partition's state in an LMDB environment of its own: a sub-database per table.
///
/// A commit is one write transaction, or one per part. None is synced (`EnvironmentOptions`).
/// Any thread may take snapshots; they outlive the store's close.
public final class LMDBStore: StateStore {
  private let lease: EnvironmentLease
  private let isClosed = Atomic(false)
  /// Held while writing; orders commits and close.
  private let writing = Mutex(())

  init(_ lease: EnvironmentLease) {
    self.lease = lease
  }

  deinit {
    if !isClosed.load(ordering: .acquiring) {
      EnvironmentRegistry.abandonWriting(lease.environment)
    }
  }

  public func snapshot() throws(StoreError) -> LMDBSnapshot {
    try checkOpen()
    return try LMDBSnapshot(lease)
  }

  public func changelogOffset() throws(StoreError) -> Int64? {
    try metaValue(StoreLayout.offsetKey).flatMap(Int64.init(bigEndianBytes:))
  }

  public func isUnfinished() throws(StoreError) -> Bool {
    try metaValue(StoreLayout.unfinishedKey) != nil
  }

  public func metaValue(_ key: [UInt8]) throws(StoreError) -> [UInt8]? {
    try checkOpen()
    let environment = lease.environment
    let transaction = try unsafe Transaction(environment.handle, environment.path, isReadOnly: true)
    return try transaction.get(environment.tables[0], key)
  }

  /// Counts entries and bytes, as of the last commit.
  public func statistics() throws(StoreError) -> LMDBStatistics {
    try checkOpen()
    return try LMDBStatistics(lease.environment)
  }

  public func commit(
    _ writes: inout WriteSet, changelogOffset: Int64
  ) throws(StoreError) {
    try writing.withLock { (_) throws(StoreError) in
      try checkOpen()
      writes.sort()
      try commit(writes, 0..<writes.count, changelogOffset: changelogOffset)
    }
  }

  /// LMDB holds the pages that a transaction changes in its own memory until the commit, and keeps
  /// that memory for the next one. Scattered keys change a page each: without a limit a large
  /// commit would take as much memory as the whole tree, and grow the file by as much.
  public func commitInParts(
    _ writes: inout WriteSet, changelogOffset: Int64, pages: Int
  ) throws(StoreError) {
    try writing.withLock { (_) throws(StoreError) in
      try checkOpen()
      let environment = lease.environment
      writes.sort()
      var range = writes.range(from: 0, pages: pages, of: environment.pageBytes)
      if range.upperBound == writes.count {
        return try commit(writes, range, changelogOffset: changelogOffset)
      }
      try environment.parts.withLock { (_) throws(StoreError) in
        while range.upperBound < writes.count {
          try commit(writes, range, changelogOffset: nil)
          range = writes.range(from: range.upperBound, pages: pages, of: environment.pageBytes)
        }
        try commit(writes, range, changelogOffset: changelogOffset)
      }
      environment.releaseMemory()
    }
  }

  /// Commits some of the writes: the last part with the offset, the others with the mark for more
  /// to come.
  private func commit(
    _ writes: borrowing WriteSet, _ range: Range<Int>, changelogOffset: Int64?
  ) throws(StoreError) {
    let environment = lease.environment
    try environment.checkPresence()
    let meta = environment.tables[0]
    var transaction = try unsafe Transaction(
      environment.handle, environment.path, isReadOnly: false)
    try Self.apply(writes, range, to: transaction, environment)
    if let changelogOffset {
      try transaction.put(meta, StoreLayout.offsetKey, changelogOffset.bigEndianBytes)
      try transaction.delete(meta, StoreLayout.unfinishedKey)
    } else {
      try transaction.put(meta, StoreLayout.unfinishedKey, [])
    }
    try transaction.commit()
    try environment.completeLength()
  }

  private static func apply(
    _ writes: borrowing WriteSet, _ range: Range<Int>, to transaction: borrowing Transaction,
    _ environment: Environment
  ) throws(StoreError) {
    var current: Table?
    var cursor: OpaquePointer?
    func write(_ table: Table, _ key: RawSpan, _ value: RawSpan?) throws(StoreError) {
      if table != current {
        guard Int(table.rawValue) < environment.tables.count else {
          throw StoreError(
            "table \(table.rawValue) can't be written to \(environment.path), which has"
              + " \(environment.tables.count): its changelog holds a record that no stage writes",
            remedy: .stop)
        }
        unsafe cursor = try unsafe transaction.cursor(environment.tables[Int(table.rawValue)])
        current = table
      }
      if table == .meta {
        precondition(!StoreLayout.isOwnKey(key), "the key is reserved for the store")
      }
      var code: Int32
      if let value {
        code = unsafe withValue(key) { key in
          unsafe withValue(value) { unsafe mdb_cursor_put(cursor, &key, &$0, 0) }
        }
      } else {
        var found = unsafe MDB_val()
        code = unsafe withValue(key) { unsafe mdb_cursor_get(cursor, &$0, &found, MDB_SET) }
        if code == MDB_NOTFOUND { return }
        if code == MDB_SUCCESS { code = unsafe mdb_cursor_del(cursor, 0) }
      }
      try LMDBFailure.check(code, "write to", environment.path)
    }
    try writes.forEach(in: range, write)
  }

  /// Syncs the store and marks it as cleanly closed. Every later call except another close fails.
  ///
  /// - Throws: `.rebuild` if the sync fails.
  public func close() throws(StoreError) {
    try writing.withLock { (_) throws(StoreError) in
      if isClosed.exchange(true, ordering: .acquiringAndReleasing) { return }
      let environment = lease.environment
      let code = unsafe mdb_env_sync(environment.handle, 1)
      try EnvironmentRegistry.endWriting(environment, isSynced: code == MDB_SUCCESS)
      if code != MDB_SUCCESS {
        var failure = LMDBFailure.error(code, "sync", environment.path)
        failure.remedy = .rebuild
        throw failure
      }
    }
  }

  private func checkOpen() throws(StoreError) {
    if isClosed.load(ordering: .acquiring) {
      throw StoreError("the store at \(lease.environment.path) is closed", remedy: .stop)
    }
  }
}
