import Glibc
import StateStore

/// The file operations a store needs that LMDB doesn't do.
enum FileSystem {
  /// Creates a directory and its parents, accessible to their owner only.
  static func createDirectories(_ path: String) throws(StoreError) {
    if unsafe mkdir(path, 0o700) == 0 || errno == EEXIST { return }
    if errno == ENOENT, let slash = path.lastIndex(of: "/"), slash != path.startIndex {
      try createDirectories(String(path[..<slash]))
      if unsafe mkdir(path, 0o700) == 0 || errno == EEXIST { return }
    }
    throw LMDBFailure.system("create", path)
  }

  /// The names in a directory, sorted; none if it doesn't exist.
  static func names(in path: String) throws(StoreError) -> [String] {
    guard let directory = unsafe opendir(path) else {
      if errno == ENOENT { return [] }
      throw LMDBFailure.system("list", path)
    }
    defer { unsafe closedir(directory) }
    var names: [String] = []
    while let entry = unsafe readdir(directory) {
      let name = unsafe withUnsafeBytes(of: &entry.pointee.d_name) { bytes in
        unsafe String(decoding: bytes.prefix { $0 != 0 }, as: UTF8.self)
      }
      if name != "." && name != ".." { names.append(name) }
    }
    return names.sorted()
  }

  /// A file's length in bytes, 0 if there is none.
  static func size(of path: String) -> Int {
    var status = stat()
    return unsafe stat(path, &status) == 0 ? Int(status.st_size) : 0
  }

  /// Deletes a file, if there is one.
  static func remove(_ path: String) throws(StoreError) {
    if unsafe unlink(path) != 0 && errno != ENOENT { throw LMDBFailure.system("delete", path) }
  }

  /// Deletes a directory of plain files, if there is one.
  static func removeDirectory(_ path: String) throws(StoreError) {
    for name in try names(in: path) { try remove("\(path)/\(name)") }
    if unsafe rmdir(path) != 0 && errno != ENOENT { throw LMDBFailure.system("delete", path) }
  }

  /// A small file's first 256 bytes as text, `nil` if there is no file.
  static func read(_ path: String) throws(StoreError) -> String? {
    let file = unsafe open(path, O_RDONLY | O_CLOEXEC)
    if file < 0 {
      if errno == ENOENT { return nil }
      throw LMDBFailure.system("read", path)
    }
    defer { close(file) }
    var buffer = [UInt8](repeating: 0, count: 256)
    let count = unsafe Glibc.read(file, &buffer, buffer.count)
    guard count >= 0 else { throw LMDBFailure.system("read", path) }
    return String(decoding: buffer[..<count], as: UTF8.self)
  }

  /// Replaces a small file so that a power failure leaves either the old or the new text.
  static func replace(_ name: String, in directory: String, with text: String) throws(StoreError) {
    let path = "\(directory)/\(name)"
    let temporary = path + ".new"
    let file = unsafe open(temporary, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0o600)
    guard file >= 0 else { throw LMDBFailure.system("write", temporary) }
    let bytes = Array(text.utf8)
    // A short write sets no error; it means that the disk is full.
    errno = ENOSPC
    let isWritten = unsafe write(file, bytes, bytes.count) == bytes.count && fsync(file) == 0
    let failure = LMDBFailure.system("write", temporary)
    close(file)
    guard isWritten else { throw failure }
    guard unsafe rename(temporary, path) == 0 else { throw LMDBFailure.system("replace", path) }
    try syncDirectory(directory)
  }

  /// Makes the names in a directory survive a power failure.
  static func syncDirectory(_ path: String) throws(StoreError) {
    let directory = unsafe open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
    guard directory >= 0 else { throw LMDBFailure.system("open", path) }
    defer { close(directory) }
    guard fsync(directory) == 0 else { throw LMDBFailure.system("sync", path) }
  }

  /// Copies a file to a new one and syncs it.
  static func copy(_ path: String, to target: String) throws(StoreError) {
    let source = unsafe open(path, O_RDONLY | O_CLOEXEC)
    guard source >= 0 else { throw LMDBFailure.system("read", path) }
    defer { close(source) }
    let file = unsafe open(target, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0o600)
    guard file >= 0 else { throw LMDBFailure.system("create", target) }
    defer { close(file) }
    var buffer = [UInt8](repeating: 0, count: 1 << 20)
    while true {
      let count = unsafe Glibc.read(source, &buffer, buffer.count)
      if count == 0 { break }
      guard count > 0 else { throw LMDBFailure.system("read", path) }
      errno = ENOSPC
      guard unsafe write(file, buffer, count) == count else {
        throw LMDBFailure.system("write", target)
      }
    }
    guard fsync(file) == 0 else { throw LMDBFailure.system("sync", target) }
  }

  static func move(_ path: String, to target: String) throws(StoreError) {
    guard unsafe rename(path, target) == 0 else { throw LMDBFailure.system("replace", target) }
  }

  static func exists(_ path: String) -> Bool { unsafe access(path, F_OK) == 0 }

  /// Whether the disk that holds a file has less than 64 KiB left.
  static func isFull(_ path: String) -> Bool {
    var status = statvfs()
    guard unsafe statvfs(path, &status) == 0 else { return false }
    return UInt64(status.f_bavail) * UInt64(status.f_frsize) < 1 << 16
  }
}
