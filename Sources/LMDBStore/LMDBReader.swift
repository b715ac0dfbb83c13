import StateStore

/// A store opened for reading only, also while another process writes it.
public final class LMDBReader: Sendable {
  private let lease: EnvironmentLease

  init(_ lease: EnvironmentLease) {
    self.lease = lease
  }

  /// Names of the tables, by number from 1.
  public var tables: [String] { lease.environment.tableNames }

  /// A consistent view of the last commit.
  public func snapshot() throws(StoreError) -> LMDBSnapshot {
    try LMDBSnapshot(lease)
  }

  /// Counts entries and bytes, as of the last commit.
  public func statistics() throws(StoreError) -> LMDBStatistics {
    try LMDBStatistics(lease.environment)
  }

  /// Walks all pages as of the last commit and tells whether they hang together: see `Durability`.
  /// Takes about a second a gigabyte.
  ///
  /// - Throws: `.rebuild`, naming the first page that does not.
  public func check() throws(StoreError) {
    try Environment.check(lease.environment.handle, lease.environment.path, .everything)
  }

  /// Copies the last commit into a new file, without the free pages; the writer goes on meanwhile.
  func copy(to path: String) throws(StoreError) {
    try lease.environment.copy(to: path)
  }
}
