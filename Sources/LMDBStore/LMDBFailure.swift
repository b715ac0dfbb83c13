import CLMDB
import Glibc
import StateStore

/// What LMDB's result codes mean for the caller. Codes: `lmdb.h`, "Return Codes".
enum LMDBFailure {
  /// Throws unless `code` is success.
  static func check(
    _ code: Int32, _ action: StaticString, _ path: String
  ) throws(StoreError) {
    if code != MDB_SUCCESS { throw error(code, action, path) }
  }

  static func error(_ code: Int32, _ action: StaticString, _ path: String) -> StoreError {
    let text = unsafe String(cString: mdb_strerror(code))
    let message = "can't \(action) the store at \(path): \(text)"
    switch code {
    case MDB_CORRUPTED, MDB_INVALID, MDB_PAGE_NOTFOUND, MDB_VERSION_MISMATCH, MDB_PANIC:
      return StoreError(message, remedy: .rebuild)
    case ENOSPC, EDQUOT:
      return full(message)
    case EIO where FileSystem.isFull(path):
      // LMDB's code for a short write.
      return full(message)
    case EACCES, EPERM, EROFS:
      return StoreError("\(message); \(permissionAdvice)", remedy: .stop)
    case MDB_MAP_FULL:
      return StoreError("\(message); configure a larger map size", remedy: .stop)
    case MDB_BAD_VALSIZE:
      return StoreError("\(message); a key has 1 to 511 bytes", remedy: .stop)
    default:
      return StoreError(message, remedy: .stop)
    }
  }

  /// The error that `errno` describes after a failed system call.
  static func system(_ action: StaticString, _ path: String) -> StoreError {
    let code = errno
    let message = unsafe "can't \(action) \(path): \(String(cString: strerror(code)))"
    return switch code {
    case ENOSPC, EDQUOT: full(message)
    case EACCES, EPERM, EROFS: StoreError("\(message); \(permissionAdvice)", remedy: .stop)
    default: StoreError(message, remedy: .stop)
    }
  }

  private static func full(_ message: String) -> StoreError {
    StoreError("\(message); make room on its disk", remedy: .wait)
  }

  private static var permissionAdvice: String {
    "user \(geteuid()) must own the directory and be allowed to read and write it"
  }
}
