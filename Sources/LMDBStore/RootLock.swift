import Glibc
import StateStore

/// Holds a state directory against a second instance, until the owner lets go of it or dies.
public final class RootLock: Sendable {
  private let file: Int32

  /// Takes the lock (flock(2)) on `<root>/lock`, or says who has it.
  init(root: String) throws(StoreError) {
    try FileSystem.createDirectories(root)
    let path = "\(root)/lock"
    let file = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0o600)
    guard file >= 0 else { throw LMDBFailure.system("open", path) }
    guard flock(file, LOCK_EX | LOCK_NB) == 0 else {
      let failure = LMDBFailure.system("lock", path)
      let isHeld = errno == EWOULDBLOCK
      close(file)
      guard isHeld else { throw failure }
      let holder = (try FileSystem.read(path)).map { "process \($0)" } ?? "another process"
      throw StoreError(
        "the state directory \(root) is in use by \(holder) (lock file \(path))", remedy: .stop)
    }
    let pid = Array(String(getpid()).utf8)
    guard ftruncate(file, 0) == 0, write(file, pid, pid.count) == pid.count else {
      let failure = LMDBFailure.system("write", path)
      close(file)
      throw failure
    }
    self.file = file
  }

  deinit {
    close(file)
  }
}
