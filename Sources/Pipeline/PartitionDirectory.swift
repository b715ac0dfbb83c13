public import StateStore
public import Streams
import Synchronization

/// Which user partitions this instance owns, with their stores: written by the user stage, followed
/// by the predict stage.
public final class PartitionDirectory<Store: StateStore>: PartitionFeed {
  private struct Content {
    var version = 0
    var stores: [Int32: Store] = [:]
  }

  private let content = Mutex(Content())

  public init() {}

  public var version: Int { content.withLock { $0.version } }

  public var partitions: [Int32] { content.withLock { $0.stores.keys.sorted() } }

  public func store(of partition: Int32) -> Store? { content.withLock { $0.stores[partition] } }

  func replace(_ stores: [(partition: Int32, store: Store)]) {
    content.withLock {
      $0.version += 1
      $0.stores = Dictionary(stores.map { ($0.partition, $0.store) }) { $1 }
    }
  }
}
