public import StateStore
public import Streams
import Synchronization

/// Which user partitions this instance owns, with their stores: written by the user stage's threads,
/// followed by the predict stage.
public final class PartitionDirectory<Store: StateStore>: PartitionFeed {
  private struct Entry {
    var store: Store
    /// The thread of the user stage that owns the partition.
    var worker: Int?
  }

  private struct Content {
    var version = 0
    var entries: [Int32: Entry] = [:]
  }

  private let content = Mutex(Content())

  public init() {}

  public var version: Int { content.withLock { $0.version } }

  public var partitions: [Int32] { content.withLock { $0.entries.keys.sorted() } }

  public func store(of partition: Int32) -> Store? {
    content.withLock { $0.entries[partition]?.store }
  }

  /// Sets the partitions of one of the user stage's threads; those of others stay.
  ///
  /// - Parameter worker: the thread; `nil` for a stage that has one.
  func replace(_ stores: [(partition: Int32, store: Store)], of worker: Int? = nil) {
    content.withLock { content in
      content.version += 1
      content.entries = content.entries.filter { $0.value.worker != worker }
      for (partition, store) in stores {
        content.entries[partition] = Entry(store: store, worker: worker)
      }
    }
  }
}
