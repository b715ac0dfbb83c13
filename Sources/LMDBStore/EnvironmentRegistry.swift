import CLMDB
import StateStore
import Synchronization

/// The environments this process has open, by path.
///
/// A process must not open an LMDB file twice: closing one of the two drops the file locks of both.
/// So all handles share one environment, and opening and closing exclude each other.
enum EnvironmentRegistry {
  private static let environments = Mutex<[String: Environment]>([:])

  /// Opens or joins the environment at `path` for its only writer.
  static func lease(
    _ path: String, tables: [String], options: EnvironmentOptions
  ) throws(StoreError) -> EnvironmentLease {
    try environments.withLock { (environments) throws(StoreError) in
      forgetDeleted(path, &environments)
      let shared = environments[path]
      if let shared, shared.hasWriter || shared.isReadOnly || shared.tableNames != tables {
        throw StoreError(
          "the store at \(path) is already open in this process; close it first", remedy: .stop)
      }
      if shared == nil && FileSystem.size(of: "\(path)/data.mdb") > 0 {
        try DurabilityMark.check(path, bootID: options.bootID)
      }
      try DurabilityMark.setOpen(path, bootID: options.bootID)
      let environment: Environment
      if let shared {
        environment = shared
      } else {
        environment = try Environment(path: path, names: tables, options: options)
      }
      environments[path] = environment
      environment.hasWriter = true
      return EnvironmentLease(environment)
    }
  }

  /// Opens or joins the environment at `path` for reading.
  static func leaseReadOnly(
    _ path: String, options: EnvironmentOptions
  ) throws(StoreError) -> EnvironmentLease {
    try environments.withLock { (environments) throws(StoreError) in
      forgetDeleted(path, &environments)
      if let shared = environments[path] { return EnvironmentLease(shared) }
      guard FileSystem.size(of: "\(path)/data.mdb") > 0 else {
        throw StoreError("there is no store at \(path)", remedy: .stop)
      }
      try DurabilityMark.check(path, bootID: options.bootID)
      let environment = try Environment(path: path, names: nil, options: options)
      environments[path] = environment
      return EnvironmentLease(environment)
    }
  }

  /// Joins all environments below a directory that this process has open, by path.
  static func leases(below root: String) -> [(path: String, lease: EnvironmentLease)] {
    environments.withLock { environments in
      environments.filter { $0.key.hasPrefix("\(root)/") && !$0.value.isDetached }
        .map { ($0.key, EnvironmentLease($0.value)) }
    }
  }

  /// Detaches an environment whose files were deleted by hand: writes to it would be lost.
  private static func forgetDeleted(_ path: String, _ environments: inout [String: Environment]) {
    guard environments[path] != nil, !FileSystem.exists("\(path)/data.mdb") else { return }
    environments.removeValue(forKey: path)?.isDetached = true
  }

  /// Marks the environment as closed or torn, unless its files have been deleted, and admits
  /// another writer.
  static func endWriting(_ environment: Environment, isSynced: Bool) throws(StoreError) {
    try environments.withLock { (_) throws(StoreError) in
      environment.hasWriter = false
      // Deleted by the storage or by hand: nothing to mark.
      if environment.isDetached || !FileSystem.exists("\(environment.path)/data.mdb") { return }
      if isSynced {
        try DurabilityMark.setClosed(environment.path)
      } else {
        try DurabilityMark.setTorn(environment.path)
      }
    }
  }

  /// Admits another writer after one that was dropped without a close.
  static func abandonWriting(_ environment: Environment) {
    environments.withLock { _ in environment.hasWriter = false }
  }

  /// Runs `delete`, which deletes the files at `path`. Existing readers keep them until they are
  /// done.
  static func detach(_ path: String, delete: () throws(StoreError) -> Void) throws(StoreError) {
    try environments.withLock { (environments) throws(StoreError) in
      environments.removeValue(forKey: path)?.isDetached = true
      try delete()
    }
  }

  fileprivate static func add(_ environment: Environment) {
    environment.leases += 1
  }

  fileprivate static func release(_ environment: Environment) {
    environments.withLock { environments in
      environment.leases -= 1
      guard environment.leases == 0 else { return }
      unsafe mdb_env_close(environment.handle)
      if environments[environment.path] === environment {
        environments[environment.path] = nil
      }
    }
  }
}

/// Keeps an environment open. A store and its snapshots share one; the last lease closes it.
final class EnvironmentLease: Sendable {
  let environment: Environment

  /// Called under the registry's lock.
  fileprivate init(_ environment: Environment) {
    self.environment = environment
    EnvironmentRegistry.add(environment)
  }

  deinit {
    EnvironmentRegistry.release(environment)
  }
}
