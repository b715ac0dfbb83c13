/// What a local state store is, as far as the engine and the stages need to know: one partition's
/// tables of byte keys to byte values, read by snapshot and changed by one commit a batch.
///
/// `LMDBStore` is the one in production; an in-memory one stands in for it in simulation.
/// Handles are shared between threads; commits come from one thread at a time.
public protocol StateStore: AnyObject, Sendable {
  associatedtype Snapshot: StateSnapshot

  /// A consistent view of the last commit. Readers never block the writer. Asked for in the middle
  /// of a commit in parts, it waits for the end.
  ///
  /// - Throws: `.wait` when a commit in parts was cut short and is yet to be finished.
  func snapshot() throws(StoreError) -> Snapshot

  /// The changelog offset the state stands for: that of the first record not yet in it.
  /// `nil` for a store that was never written.
  func changelogOffset() throws(StoreError) -> Int64?

  /// Applies all writes and the new changelog offset in one transaction, or nothing.
  /// Sorts `writes` on the way. After an error with the remedy `.wait` it may be called again with
  /// the same arguments.
  func commit(_ writes: inout WriteSet, changelogOffset: Int64) throws(StoreError)

  /// Applies all writes and the new changelog offset as `commit` does, but in as many transactions
  /// as it takes for none to change more than about `pages` pages of memory, with the offset in the
  /// last. Cut short, it leaves the store unfinished: at its old offset, with some of the values
  /// that follow. Applying the changelog from that offset on mends it; so this is only for writes
  /// that the changelog vouches for.
  func commitInParts(
    _ writes: inout WriteSet, changelogOffset: Int64, pages: Int
  ) throws(StoreError)

  /// Whether a commit in parts was cut short and is yet to be finished.
  func isUnfinished() throws(StoreError) -> Bool

  /// Makes everything committed survive a loss of power, and marks the store as cleanly closed.
  func close() throws(StoreError)
}

extension StateStore {
  /// Commits in parts as a batch does, of 8 MiB.
  public func commitInParts(
    _ writes: inout WriteSet, changelogOffset: Int64
  ) throws(StoreError) {
    try commitInParts(&writes, changelogOffset: changelogOffset, pages: 2_048)
  }
}

/// A consistent read view of a store. Belongs to one thread.
public protocol StateSnapshot: AnyObject {
  /// Hands the value under `key` to `body`, `nil` when there is none. The span is valid only inside.
  func get<R>(
    _ table: Table, _ key: RawSpan, _ body: (RawSpan?) -> R
  ) throws(StoreError) -> R

  /// Hands every entry whose key begins with `prefix` to `body`, in key order, until it returns
  /// false. The spans are valid only inside.
  func scan(
    _ table: Table, prefix: RawSpan, _ body: (_ key: RawSpan, _ value: RawSpan) -> Bool
  ) throws(StoreError)

  /// Moves the view to the last commit, as `StateStore.snapshot` would see it.
  func renew() throws(StoreError)

  /// Lets go of the view, so that it keeps no old state alive; only `renew` may follow.
  func release()
}

/// Opens the stores of one stage.
public protocol StateStorage: Sendable {
  associatedtype Store: StateStore

  /// Opens, or creates, the store of a partition.
  ///
  /// - Parameter tables: names of the tables beside `Table.meta`, in the order of their numbers
  ///   from 1.
  /// - Throws: `.rebuild` when what is there can't be trusted or read.
  func open(stage: String, partition: Int32, tables: [String]) throws(StoreError) -> Store

  /// Deletes the store of a partition, so that `open` creates an empty one.
  func destroy(stage: String, partition: Int32) throws(StoreError)
}

/// A table of a store, by number; numbers are part of the changelog's format.
public struct Table: RawRepresentable, Hashable, Sendable {
  public let rawValue: UInt8

  public init(rawValue: UInt8) {
    self.rawValue = rawValue
  }

  /// The engine's own: positions and format version.
  public static let meta = Table(rawValue: 0)
}

/// A failed call on a store, classified by what the caller must do about it.
public struct StoreError: Error, Hashable, Sendable, CustomStringConvertible {
  public enum Remedy: Hashable, Sendable {
    /// The store's content can't be trusted: delete it and rebuild it from the changelog.
    case rebuild
    /// The disk is full; the content is whole. The same call succeeds once there is room again.
    case wait
    /// The rights, the configuration or the program are the matter; the content is whole.
    case stop
  }

  /// One sentence for a person, naming the path.
  public var message: String
  public var remedy: Remedy

  public init(_ message: String, remedy: Remedy) {
    self.message = message
    self.remedy = remedy
  }

  public var description: String { message }
}
