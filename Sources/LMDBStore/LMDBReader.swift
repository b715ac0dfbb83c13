import Glibc
public import StateStore

/// A store opened read-only, even while another process writes it.
public final class LMDBReader: Sendable {
  private let lease: EnvironmentLease

  init(_ lease: EnvironmentLease) {
    self.lease = lease
  }

  /// Names of the tables, by number from 1.
  public var tables: [String] { lease.environment.tableNames }

  /// How long to wait for another process's commit in parts. The largest batch takes less than a
  /// second.
  private static let patience = Duration.seconds(5)

  /// A consistent view of the last commit. Waits for a commit in parts to end.
  ///
  /// - Throws: `.wait` if that takes more than five seconds: the disk is full, or the process was
  ///   killed.
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

  /// Checks all pages as of the last commit: see `Durability`. Takes about a second per gigabyte.
  ///
  /// - Throws: `.rebuild`, naming the first bad page.
  public func check() throws(StoreError) {
    try unsafe Environment.check(lease.environment.handle, lease.environment.path, .everything)
  }

  /// Copies the last commit to a new file, without free pages. Doesn't block the writer.
  func copy(to path: String) throws(StoreError) {
    try lease.environment.copy(to: path)
  }
}
