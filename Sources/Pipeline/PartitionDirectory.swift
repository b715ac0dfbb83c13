public import StateStore
public import Streams
import Synchronization

/// Which user partitions this instance owns, with their stores: written by the user stage, however
/// many threads run it, and followed by the predict stage.
public final class PartitionDirectory<Store: StateStore>: PartitionFeed {
  private struct Entry {
    var store: Store
    var owner: ObjectIdentifier
  }

  private struct Content {
    var version = 0
    var entries: [Int32: Entry] = [:]
  }

  /// What one thread of the user stage owns. Withdrawn when it is released.
  public final class Share {
    private let directory: PartitionDirectory

    fileprivate init(_ directory: PartitionDirectory) { self.directory = directory }

    deinit { directory.replace([], of: ObjectIdentifier(self)) }

    /// What the users of these partitions were shown.
    var shown: ShownBoard { directory.shown }

    /// Enters these partitions in the place of those it had.
    public func replace(_ stores: [(partition: Int32, store: Store)]) {
      directory.replace(stores, of: ObjectIdentifier(self))
    }
  }

  private let content = Mutex(Content())
  /// What the predict stage has shown to these partitions' users.
  let shown = ShownBoard()

  public init() {}

  public var version: Int { content.withLock { $0.version } }

  public var partitions: [Int32] { content.withLock { $0.entries.keys.sorted() } }

  public func store(of partition: Int32) -> Store? {
    content.withLock { $0.entries[partition]?.store }
  }

  /// A share for one thread, empty.
  public func makeShare() -> Share { Share(self) }

  /// A partition that another share has taken over meanwhile is left to it.
  private func replace(_ stores: [(partition: Int32, store: Store)], of owner: ObjectIdentifier) {
    content.withLock { content in
      let before = content.entries.count
      content.entries = content.entries.filter { $0.value.owner != owner }
      guard before != content.entries.count || !stores.isEmpty else { return }
      for (partition, store) in stores {
        content.entries[partition] = Entry(store: store, owner: owner)
      }
      content.version += 1
    }
  }
}
