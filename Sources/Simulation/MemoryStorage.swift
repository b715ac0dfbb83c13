public import StateStore
import Synchronization

/// State stores in memory that outlive the process that writes them, as files do.
///
/// One `MemoryStorage` is one process's access to the disk; `mounted(_:)` gives another process
/// access to the same disk.
public final class MemoryStorage: StateStorage {
  struct Place: Hashable, Sendable {
    var stage: String
    var partition: Int32
  }

  /// The contents of one store.
  struct Content: Sendable {
    var tables: [Table: [[UInt8]: [UInt8]]] = [:]
    var changelogOffset: Int64?
    var isClosed = false
    /// Whether a commit in parts is unfinished, so that the values belong to no single offset.
    var isUnfinished = false
  }

  /// When damage to a store shows. The store must then be rebuilt.
  public enum Damage: Sendable, CaseIterable {
    case atOpening, whenRead
  }

  private struct Writer {
    weak var store: MemoryStore?
  }

  final class Disk: Sendable {
    /// Each store's commits, the newest last, with as many older ones as can get lost.
    let stores = Mutex<[Place: [Content]]>([:])
    let damage = Mutex<[Place: Damage]>([:])
  }

  private static let keptCommits = 16

  let disk: Disk
  private let process: SimulatedProcess
  private let onCommit: @Sendable (_ stage: String, _ partition: Int32) -> Void
  /// The stores that this process has open. A second writer is refused, as in LMDB.
  private let writers = Mutex<[Place: Writer]>([:])

  private init(
    _ disk: Disk, _ process: SimulatedProcess,
    _ onCommit: @escaping @Sendable (_ stage: String, _ partition: Int32) -> Void = { _, _ in }
  ) {
    self.disk = disk
    self.process = process
    self.onCommit = onCommit
  }

  /// An empty disk, accessed by a process without faults.
  public convenience init(process: SimulatedProcess = SimulatedProcess()) {
    self.init(Disk(), process)
  }

  /// The same disk, accessed by another process.
  ///
  /// - Parameter onCommit: called with the place of each store the process commits to.
  public func mounted(
    _ process: SimulatedProcess,
    onCommit: @escaping @Sendable (_ stage: String, _ partition: Int32) -> Void = { _, _ in }
  ) -> MemoryStorage {
    MemoryStorage(disk, process, onCommit)
  }

  public func open(stage: String, partition: Int32, tables: [String]) throws(StoreError)
    -> MemoryStore
  {
    let place = Place(stage: stage, partition: partition)
    try perform(.openStore) {
      disk.stores.withLock { stores in
        if stores[place] == nil { stores[place] = [Content()] }
      }
    }
    try checkUndamaged(place, .atOpening)
    let store = MemoryStore(self, place)
    let isOnly = writers.withLock { writers in
      guard writers[place]?.store == nil else { return false }
      writers[place] = Writer(store: store)
      return true
    }
    guard isOnly else {
      throw StoreError("the store of \(place) is already open in this process", remedy: .stop)
    }
    return store
  }

  /// Lets another writer in.
  func endWriting(_ store: MemoryStore, _ place: Place) {
    writers.withLock { writers in
      if writers[place]?.store === store { writers[place] = nil }
    }
  }

  public func destroy(stage: String, partition: Int32) throws(StoreError) {
    try perform(.destroyStore) {
      lose(stage: stage, partition: partition)
      writers.withLock { $0[Place(stage: stage, partition: partition)] = nil }
    }
  }

  func perform<R>(_ effect: SimulatedProcess.Effect, _ body: () -> R) throws(StoreError) -> R {
    do {
      return try process.perform(effect) { body() }
    } catch {
      throw SimulatedProcess.storeError(error)
    }
  }

  func content(_ place: Place) -> Content {
    disk.stores.withLock { $0[place]?.last ?? Content() }
  }

  /// What a reader sees.
  func view(_ place: Place) throws(StoreError) -> Content {
    try checkUndamaged(place, .whenRead)
    let content = content(place)
    guard !content.isUnfinished else {
      throw StoreError("a commit to the store of \(place) is not finished", remedy: .wait)
    }
    return content
  }

  private func checkUndamaged(_ place: Place, _ damage: Damage) throws(StoreError) {
    guard disk.damage.withLock({ $0[place] }) == damage else { return }
    throw StoreError("the store of \(place) is damaged", remedy: .rebuild)
  }

  func committed(_ place: Place) { onCommit(place.stage, place.partition) }

  /// Changes the newest commit in place, as the parts of a commit do.
  func amend(_ place: Place, _ change: (inout Content) -> Void) {
    disk.stores.withLock { stores in
      var commits = stores[place] ?? [Content()]
      change(&commits[commits.count - 1])
      stores[place] = commits
    }
  }

  func write(_ place: Place, _ change: (inout Content) -> Void) {
    disk.stores.withLock { stores in
      var content = stores[place]?.last ?? Content()
      change(&content)
      stores[place, default: []].append(content)
      if stores[place, default: []].count > Self.keptCommits {
        stores[place, default: []].removeFirst()
      }
    }
  }

  // MARK: Outside of any process

  /// Deletes a store.
  public func lose(stage: String, partition: Int32) {
    let place = Place(stage: stage, partition: partition)
    disk.stores.withLock { $0[place] = nil }
    disk.damage.withLock { $0[place] = nil }
  }

  /// Undoes the newest commits, as a loss of power does.
  public func lose(commits: Int, stage: String, partition: Int32) {
    let place = Place(stage: stage, partition: partition)
    disk.stores.withLock { stores in
      guard let kept = stores[place]?.dropLast(commits), !kept.isEmpty else {
        stores[place] = nil
        return
      }
      stores[place] = Array(kept)
    }
  }

  /// Makes `open` or its views fail with `.rebuild` until the store is destroyed.
  public func damage(_ damage: Damage, stage: String, partition: Int32) {
    disk.damage.withLock { $0[Place(stage: stage, partition: partition)] = damage }
  }

  /// Makes the newest commit look as if it was cut short.
  public func cutShort(stage: String, partition: Int32) {
    amend(Place(stage: stage, partition: partition)) { $0.isUnfinished = true }
  }

  /// Everything a store holds in one table.
  public func contents(of table: Table, stage: String, partition: Int32) -> [[UInt8]: [UInt8]] {
    content(Place(stage: stage, partition: partition)).tables[table] ?? [:]
  }

  public func changelogOffset(stage: String, partition: Int32) -> Int64? {
    content(Place(stage: stage, partition: partition)).changelogOffset
  }

  /// Whether a commit in parts was cut short.
  public func isUnfinished(stage: String, partition: Int32) -> Bool {
    content(Place(stage: stage, partition: partition)).isUnfinished
  }

  /// Whether the store was closed after its last commit.
  public func isClosed(stage: String, partition: Int32) -> Bool {
    content(Place(stage: stage, partition: partition)).isClosed
  }
}

extension MemoryStorage.Content {
  mutating func apply(_ writes: WriteSet, _ range: Range<Int>) {
    writes.forEach(in: range) { table, key, value in
      let bytes: [UInt8]? = if let value { Array(copying: value) } else { nil }
      tables[table, default: [:]][Array(copying: key)] = bytes
    }
  }
}

/// One store of a `MemoryStorage`.
public final class MemoryStore: StateStore {
  private let storage: MemoryStorage
  private let place: MemoryStorage.Place

  init(_ storage: MemoryStorage, _ place: MemoryStorage.Place) {
    self.storage = storage
    self.place = place
  }

  public func snapshot() throws(StoreError) -> MemorySnapshot {
    try MemorySnapshot(storage, place)
  }

  public func changelogOffset() throws(StoreError) -> Int64? {
    storage.content(place).changelogOffset
  }

  public func isUnfinished() throws(StoreError) -> Bool {
    storage.content(place).isUnfinished
  }

  public func metaValue(_ key: [UInt8]) throws(StoreError) -> [UInt8]? {
    storage.content(place).tables[.meta]?[key]
  }

  public func commit(_ writes: inout WriteSet, changelogOffset: Int64) throws(StoreError) {
    writes.sort()
    try commit(writes, 0..<writes.count, changelogOffset)
  }

  /// Commits an even number of writes in two transactions, so that a process can die between them,
  /// and an odd number in one, so that both happen.
  public func commitInParts(
    _ writes: inout WriteSet, changelogOffset: Int64, pages: Int
  ) throws(StoreError) {
    writes.sort()
    let sorted = writes
    let middle = writes.count.isMultiple(of: 2) ? writes.count / 2 : 0
    if middle > 0 {
      try storage.perform(.commitStore) {
        storage.amend(place) { content in
          content.apply(sorted, 0..<middle)
          content.isUnfinished = true
          content.isClosed = false
        }
      }
    }
    try commit(writes, middle..<writes.count, changelogOffset)
  }

  private func commit(_ sorted: WriteSet, _ range: Range<Int>, _ changelogOffset: Int64)
    throws(StoreError)
  {
    try storage.perform(.commitStore) {
      storage.write(place) { content in
        content.apply(sorted, range)
        content.changelogOffset = changelogOffset
        content.isClosed = false
        content.isUnfinished = false
      }
      storage.committed(place)
    }
  }

  public func close() throws(StoreError) {
    storage.endWriting(self, place)
    try storage.perform(.commitStore) {
      storage.write(place) { $0.isClosed = true }
    }
  }
}

/// A consistent view of a `MemoryStore`.
public final class MemorySnapshot: StateSnapshot {
  private let storage: MemoryStorage
  private let place: MemoryStorage.Place
  private var content: MemoryStorage.Content

  init(_ storage: MemoryStorage, _ place: MemoryStorage.Place) throws(StoreError) {
    self.storage = storage
    self.place = place
    content = try storage.view(place)
  }

  public func get<R>(_ table: Table, _ key: RawSpan, _ body: (RawSpan?) -> R) throws(StoreError)
    -> R
  {
    guard let value = content.tables[table]?[Array(copying: key)] else { return body(nil) }
    return body(value.span.bytes)
  }

  public func scan(
    _ table: Table, prefix: RawSpan, _ body: (_ key: RawSpan, _ value: RawSpan) -> Bool
  ) throws(StoreError) {
    let prefixBytes = Array(copying: prefix)
    let found = (content.tables[table] ?? [:]).filter { $0.key.starts(with: prefixBytes) }
    for (key, value) in found.sorted(by: { $0.key.lexicographicallyPrecedes($1.key) }) {
      guard body(key.span.bytes, value.span.bytes) else { return }
    }
  }

  public func renew() throws(StoreError) {
    content = try storage.view(place)
  }

  /// Nothing to release: views are copies.
  public func release() {}
}
