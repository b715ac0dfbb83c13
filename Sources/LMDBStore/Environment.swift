import CLMDB
import Glibc
import StateStore
import Synchronization

/// How environments are opened.
///
/// - No sync per commit (`MDB_NOSYNC`): what a store loses with power the changelog still has, and
///   a killed process loses nothing because the kernel keeps its pages. `DurabilityMark` tells
///   the two apart, so a torn store is detected and never served.
/// - No `MDB_WRITEMAP`: with it a full disk is a SIGBUS instead of an error.
/// - `MDB_NOTLS`: a read transaction belongs to its snapshot, not to its thread.
/// - `MDB_NORDAHEAD`: keys are read in no order.
struct EnvironmentOptions {
  /// Address space reserved for the file, which grows only as it is used.
  var mapBytes: Int
  var formatVersion: UInt32
  var isReadOnly = false
  var bootID: String
}

/// One LMDB environment and its tables, shared by all handles of this process on its path.
///
/// Unchecked because of the pointer and of two counters: `MDB_env` may be used from any thread, and
/// `EnvironmentRegistry` touches the counters under its lock only.
@safe final class Environment: @unchecked Sendable {
  let path: String
  let handle: OpaquePointer
  let isReadOnly: Bool
  /// Names of the tables beside `Table.meta`, by number from 1.
  let tableNames: [String]
  /// The tables' handles, by `Table.rawValue`.
  let tables: [MDB_dbi]

  let pageBytes: Int

  /// Held during a commit of several parts, and by a reader while it takes its view: so it takes none
  /// between two of them. Guards nothing else.
  let parts = Mutex(())

  /// Where the file is mapped; LMDB does not tell.
  private let mapping: UnsafeMutableRawBufferPointer?

  // Guarded by the registry's lock.
  var leases = 0
  var hasWriter = false
  var isDetached = false

  /// Opens the environment at `path`, whose directory exists.
  ///
  /// - Parameter names: `nil` takes the tables as the store names them.
  init(path: String, names: [String]?, options: EnvironmentOptions) throws(StoreError) {
    let handle = try unsafe Self.open(path, options)
    do throws(StoreError) {
      try unsafe Self.check(handle, path, .branches)
      let layout = try unsafe StoreLayout(
        handle, path, names: names, formatVersion: options.formatVersion,
        isReadOnly: options.isReadOnly)
      tableNames = layout.tableNames
      tables = layout.tables
    } catch {
      unsafe mdb_env_close(handle)
      throw error
    }
    self.path = path
    unsafe self.handle = handle
    var statistics = MDB_stat()
    unsafe mdb_env_stat(handle, &statistics)
    pageBytes = Int(statistics.ms_psize)
    unsafe mapping = MemoryMap.find(file: path + "/data.mdb")
    isReadOnly = options.isReadOnly
  }

  /// Unmaps what was read of the file; the kernel still caches it. Pages that commits have replaced
  /// would otherwise count as this process's memory for ever.
  func releaseMemory() {
    guard let mapping = unsafe mapping else { return }
    unsafe madvise(mapping.baseAddress, mapping.count, MADV_DONTNEED)
  }

  private static func open(
    _ path: String, _ options: EnvironmentOptions
  ) throws(StoreError) -> OpaquePointer {
    var created: OpaquePointer?
    try unsafe LMDBFailure.check(mdb_env_create(&created), "open", path)
    guard let handle = unsafe created else { throw LMDBFailure.error(ENOMEM, "open", path) }
    // The meta table, and as many as `Table` can number.
    var code = unsafe mdb_env_set_maxdbs(handle, 256)
    // A reader takes the map size from the file: it may be another than the one configured here.
    if code == MDB_SUCCESS && !options.isReadOnly {
      code = unsafe mdb_env_set_mapsize(handle, options.mapBytes)
    }
    if code == MDB_SUCCESS {
      let flags = MDB_NOTLS | MDB_NOSYNC | MDB_NORDAHEAD | (options.isReadOnly ? MDB_RDONLY : 0)
      code = unsafe mdb_env_open(handle, path, UInt32(flags), 0o600)
    }
    // Slots of killed readers would pin old pages for ever.
    if code == MDB_SUCCESS { code = unsafe mdb_reader_check(handle, nil) }
    guard code == MDB_SUCCESS else {
      unsafe mdb_env_close(handle)
      throw LMDBFailure.error(code, "open", path)
    }
    return unsafe handle
  }

  /// Refuses a file that is shorter than its pages, because reading beyond its end would be a
  /// SIGBUS, and trees that don't hang together.
  static func check(
    _ handle: OpaquePointer, _ path: String, _ extent: PageCheck.Extent
  ) throws(StoreError) {
    var file: Int32 = -1
    try unsafe LMDBFailure.check(mdb_env_get_fd(handle, &file), "inspect", path)
    // Keeps the pages of its commit from being overwritten meanwhile.
    let reader = try unsafe Transaction(handle, path, isReadOnly: true)
    var check = try PageCheck(file, path, transaction: reader.id, extent: extent)
    try check.run()
  }

  /// Copies the last commit into a new file and syncs it.
  func copy(to path: String) throws(StoreError) {
    let file = unsafe Glibc.open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0o600)
    guard file >= 0 else { throw LMDBFailure.system("create", path) }
    defer { close(file) }
    try unsafe LMDBFailure.check(
      mdb_env_copyfd2(handle, file, UInt32(MDB_CP_COMPACT)), "copy", self.path)
    guard fsync(file) == 0 else { throw LMDBFailure.system("sync", path) }
  }

  /// Makes the file as long as its pages, so that `check` tells truth: LMDB does not write
  /// pages that a transaction took at the end and gave back.
  func completeLength() throws(StoreError) {
    let (length, needed) = try unsafe Self.lengths(handle, path)
    if length < needed {
      var file: Int32 = -1
      try unsafe LMDBFailure.check(mdb_env_get_fd(handle, &file), "inspect", path)
      if ftruncate(file, needed) != 0 { throw LMDBFailure.system("extend", path) }
    }
  }

  private static func lengths(
    _ handle: OpaquePointer, _ path: String
  ) throws(StoreError) -> (actual: Int, needed: Int) {
    var info = unsafe MDB_envinfo()
    var statistics = MDB_stat()
    var file: Int32 = -1
    var status = stat()
    try unsafe LMDBFailure.check(mdb_env_info(handle, &info), "inspect", path)
    try unsafe LMDBFailure.check(mdb_env_stat(handle, &statistics), "inspect", path)
    try unsafe LMDBFailure.check(mdb_env_get_fd(handle, &file), "inspect", path)
    guard unsafe fstat(file, &status) == 0 else { throw LMDBFailure.system("inspect", path) }
    return unsafe (Int(status.st_size), (info.me_last_pgno + 1) * Int(statistics.ms_psize))
  }
}
