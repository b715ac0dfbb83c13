import CLMDB
import Glibc
import StateStore
import Synchronization

/// How environments are opened.
///
/// - `MDB_NOSYNC`: no sync per commit. The changelog has what a power failure takes away, and a
///   killed process loses nothing because the kernel keeps its pages. `DurabilityMark`
///   distinguishes the two, so a torn store is detected and never served.
/// - Not `MDB_WRITEMAP`, which turns a full disk into a SIGBUS.
/// - `MDB_NOTLS`: a read transaction belongs to its snapshot, not to a thread.
/// - `MDB_NORDAHEAD`: reads are random.
struct EnvironmentOptions {
  /// Address space reserved for the file, which itself grows with its content.
  var mapBytes: Int
  var formatVersion: UInt32
  var isReadOnly = false
  var bootID: String
}

/// One LMDB environment and its tables, shared by all handles of this process on its path.
///
/// Unchecked because of the pointer and the counters: any thread may use an `MDB_env`, and
/// `EnvironmentRegistry` touches the counters only under its lock.
@safe final class Environment: @unchecked Sendable {
  let path: String
  let handle: OpaquePointer
  let isReadOnly: Bool
  /// Names of the tables other than `Table.meta`, by number from 1.
  let tableNames: [String]
  /// The tables' handles, by `Table.rawValue`.
  let tables: [MDB_dbi]

  let pageBytes: Int

  /// Held during a commit in parts, and by a reader that takes its view, so that no view falls
  /// between two parts. Guards nothing else.
  let parts = Mutex(())

  /// Where the file is mapped. LMDB has no call for it.
  private let mapping: UnsafeMutableRawBufferPointer?

  // Guarded by the registry's lock.
  var leases = 0
  var hasWriter = false
  var isDetached = false

  /// Opens the environment at `path`, whose directory exists.
  ///
  /// - Parameter names: of its tables; `nil` takes those the store names.
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

  /// Makes sure that the file is still in its directory: a removed one lives on unseen until the
  /// process ends, and all that is written to it is gone then.
  func checkPresence() throws(StoreError) {
    var descriptor: mdb_filehandle_t = 0
    unsafe mdb_env_get_fd(handle, &descriptor)
    var status = stat()
    guard unsafe fstat(descriptor, &status) == 0, status.st_nlink == 0 else { return }
    throw StoreError("the store at \(path) was removed while it was in use", remedy: .rebuild)
  }

  /// Unmaps the pages that were read, which the kernel still caches. Otherwise pages that commits
  /// have replaced would count as this process's memory forever.
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
    // As many as `Table` can number.
    var code = unsafe mdb_env_set_maxdbs(handle, 256)
    // A reader takes the map size from the file, which may differ from the configured one.
    if code == MDB_SUCCESS && !options.isReadOnly {
      code = unsafe mdb_env_set_mapsize(handle, options.mapBytes)
    }
    if code == MDB_SUCCESS {
      let flags = MDB_NOTLS | MDB_NOSYNC | MDB_NORDAHEAD | (options.isReadOnly ? MDB_RDONLY : 0)
      code = unsafe mdb_env_open(handle, path, UInt32(flags), 0o600)
    }
    // Slots of killed readers would pin old pages forever.
    if code == MDB_SUCCESS { code = unsafe mdb_reader_check(handle, nil) }
    guard code == MDB_SUCCESS else {
      unsafe mdb_env_close(handle)
      throw LMDBFailure.error(code, "open", path)
    }
    return unsafe handle
  }

  /// Refuses trees that fail the page check, and a file shorter than its pages: reading beyond its
  /// end would be a SIGBUS.
  static func check(
    _ handle: OpaquePointer, _ path: String, _ extent: PageCheck.Extent
  ) throws(StoreError) {
    var file: Int32 = -1
    try unsafe LMDBFailure.check(mdb_env_get_fd(handle, &file), "inspect", path)
    // Keeps the pages of this commit from being overwritten.
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

  /// Extends the file to the length of its pages, which `check` relies on: LMDB doesn't write pages
  /// that a transaction took from the end and gave back.
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
