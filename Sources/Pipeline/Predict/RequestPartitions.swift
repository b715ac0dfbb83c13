public import Streams
import Synchronization

/// The partitions of `recommendation-requests` that an instance reads: those of the users it owns,
/// and those that were added to the topic later.
///
/// Clients place requests among all partitions that the topic has by then, users' state stays where
/// it was placed. What arrives in an added partition is forwarded, by the owner of the partition
/// that has its number modulo the number in use.
public final class RequestPartitions: PartitionFeed {
  private struct Found {
    var count: Int32
    var changes = 0
  }

  private let owned: any PartitionFeed
  private let used: Int32
  private let found: Mutex<Found>

  /// - Parameters:
  ///   - owned: the user stage's partitions on this instance.
  ///   - used: how many partitions users' state is placed among.
  ///   - found: how many the topic has.
  public init(of owned: any PartitionFeed, used: Int32, found: Int32) {
    self.owned = owned
    self.used = used
    self.found = Mutex(Found(count: found))
  }

  /// Notes how many partitions the topic has now.
  public func note(found count: Int32) {
    found.withLock { found in
      guard count != found.count else { return }
      found.count = count
      found.changes += 1
    }
  }

  // Both rise only.
  public var version: Int { owned.version + found.withLock { $0.changes } }

  public var partitions: [Int32] {
    let owned = owned.partitions
    let count = found.withLock { $0.count }
    guard count > used else { return owned }
    return owned + (used..<count).filter { owned.contains($0 % used) }
  }
}
