import Glibc
public import StateStore

/// A store opened for reading only, also while another process writes it.
public final class LMDBReader: Sendable {
  private let lease: EnvironmentLease

  init(_ lease: EnvironmentLease) {
    self.lease = lease
  }

  /// Names of the tables, by number from 1.
  public var tables: [String] { lease.environment.tableNames }

  /// How long a commit in parts of another process may take. One of the largest batch takes less
  /// than a second.
  private static let patience = Duration.seconds(5)

  /// A consistent view of the last commit. In the middle of a commit in parts it waits for the end.
  ///
  /// - Throws: `.wait` when that does not come within five seconds: there is no room on the disk, or
  ///   the process was killed.
  public func snapshot() throws(StoreError) -> LMDBSnapshot {
    let deadline = ContinuousClock.now + Self.patience
    while true {
      do throws(StoreError) { return try LMDBSnapshot(lease) } catch {
        guard error.remedy == .wait, ContinuousClock.now < deadline else { throw error }
        usleep(10_000)
      }
    }
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
