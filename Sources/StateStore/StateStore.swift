/// A local state store, as the engine and the stages see it: one partition's tables, which map byte
/// keys to byte values. Snapshots read them, and one commit per batch changes them.
///
/// In production the store is an `LMDBStore`; in simulation it is in memory. Threads share it; only
/// one at a time commits.
public protocol StateStore: AnyObject, Sendable {
  associatedtype Snapshot: StateSnapshot

  /// A consistent view of the last commit. Readers never block the writer. Waits for a commit in
  /// parts to end.
  ///
  /// - Throws: `.wait` if a commit in parts was cut short and is unfinished.
  func snapshot() throws(StoreError) -> Snapshot

  /// The offset of the first changelog record not in the state, `nil` for a store that was never
  /// written.
  func changelogOffset() throws(StoreError) -> Int64?

  /// A value of the meta table as of the last commit, also while a commit in parts is unfinished.
  func metaValue(_ key: [UInt8]) throws(StoreError) -> [UInt8]?

  /// Applies all writes and the new changelog offset in one transaction, or nothing. Sorts
  /// `writes`. After an error with the remedy `.wait` it may be called again with the same
  /// arguments.
  func commit(_ writes: inout WriteSet, changelogOffset: Int64) throws(StoreError)

  /// Like `commit`, but in several transactions, each of which changes at most about `pages` pages
  /// of memory. The last one has the offset. Cut short, it leaves the store unfinished: at its old
  /// offset, with some of the later values. Applying the changelog from that offset finishes it, so
  /// the writes must all be in the changelog.
  func commitInParts(
    _ writes: inout WriteSet, changelogOffset: Int64, pages: Int
  ) throws(StoreError)

  /// Whether a commit in parts was cut short and is unfinished.
  func isUnfinished() throws(StoreError) -> Bool

  /// Makes all commits survive a power failure, and marks the store as cleanly closed.
  func close() throws(StoreError)
}

extension StateStore {
  /// Commits in parts of 8 MiB, with pages of 4 KiB.
  public func commitInParts(
    _ writes: inout WriteSet, changelogOffset: Int64
  ) throws(StoreError) {
    try commitInParts(&writes, changelogOffset: changelogOffset, pages: 2_048)
  }
}

/// A consistent read view of a store. Belongs to one thread.
public protocol StateSnapshot: AnyObject {
  /// Hands the value under `key` to `body`, `nil` if there is none. The span is valid only inside.
  func get<R>(
    _ table: Table, _ key: RawSpan, _ body: (RawSpan?) -> R
  ) throws(StoreError) -> R

  /// Hands every entry whose key begins with `prefix` to `body`, in key order, until that returns
  /// false. The spans are valid only inside.
  func scan(
    _ table: Table, prefix: RawSpan, _ body: (_ key: RawSpan, _ value: RawSpan) -> Bool
  ) throws(StoreError)

  /// Moves the view to the last commit, like a new `StateStore.snapshot`.
  func renew() throws(StoreError)

  /// Releases the view, so that it keeps no old state alive. Only `renew` may follow.
  func release()
}

/// Opens the stores of one stage.
public protocol StateStorage: Sendable {
  associatedtype Store: StateStore

  /// Opens or creates the store of a partition.
  ///
  /// - Parameter tables: names of the tables other than `Table.meta`, by number from 1.
  /// - Throws: `.rebuild` if the existing store can't be trusted or read.
  func open(stage: String, partition: Int32, tables: [String]) throws(StoreError) -> Store

  /// Deletes the store of a partition, so that `open` creates an empty one.
  func destroy(stage: String, partition: Int32) throws(StoreError)
}

/// A table of a store, by number. Numbers are part of the changelog's format.
public struct Table: RawRepresentable, Hashable, Sendable {
  public let rawValue: UInt8

  public init(rawValue: UInt8) {
    self.rawValue = rawValue
  }

  /// The engine's own: positions and format version.
  public static let meta = Table(rawValue: 0)
}

/// A failed call to a store, classified by what the caller must do about it.
public struct StoreError: Error, Hashable, Sendable, CustomStringConvertible {
  public enum Remedy: Hashable, Sendable {
    /// The content can't be trusted: delete the store, and rebuild it from the changelog.
    case rebuild
    /// The disk is full; the content is whole. The same call succeeds once there is room.
    case wait
    /// Permissions, the configuration or the program are wrong; the content is whole.
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
