import Glibc
public import StateStore

/// Why the state directory could not be locked.
public enum RootLockError: Error, Hashable, CustomStringConvertible {
  /// Another process holds it. The text says which, and where.
  case held(String)
  case store(StoreError)

  public var description: String {
    switch self {
    case .held(let message): message
    case .store(let error): error.description
    }
  }
}

/// Locks a state directory against a second instance until the owner releases it or dies.
public final class RootLock: Sendable {
  private let file: Int32

  /// Takes the lock (flock(2)) on `<root>/lock`, or says who holds it.
  init(root: String) throws(RootLockError) {
    let path = "\(root)/lock"
    let file = try Self.store { () throws(StoreError) in
      try FileSystem.createDirectories(root)
      let file = unsafe open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0o600)
      guard file >= 0 else { throw LMDBFailure.system("open", path) }
      return file
    }
    var isOurs = false
    defer { if !isOurs { close(file) } }
    if flock(file, LOCK_EX | LOCK_NB) != 0 {
      guard errno == EWOULDBLOCK else { throw .store(LMDBFailure.system("lock", path)) }
      let pid = try Self.store { () throws(StoreError) in try FileSystem.read(path) }
      let holder = pid.map { "process \($0)" } ?? "another process"
      throw .held(
        "the state directory \(root) is in use by \(holder) (lock file \(path)); stop it first")
    }
    let pid = Array(String(getpid()).utf8)
    guard ftruncate(file, 0) == 0, unsafe write(file, pid, pid.count) == pid.count else {
      throw .store(LMDBFailure.system("write", path))
    }
    isOurs = true
    self.file = file
  }

  deinit {
    close(file)
  }

  private static func store<R>(_ body: () throws(StoreError) -> R) throws(RootLockError) -> R {
    do throws(StoreError) { return try body() } catch { throw .store(error) }
  }
}
