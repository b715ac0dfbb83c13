public import StateStore

/// The stores below one directory: `<root>/<stage>/<partition>/`, accessible to their owner only.
public struct LMDBStorage: StateStorage {
  /// The version of the layout that `open` reads and writes.
  public static let formatVersion: UInt32 = 1

  public let root: String
  /// Address space reserved for each store: the most it can grow to. Takes no memory or disk until
  /// used.
  public let mapBytes: Int
  private let version: UInt32

  public init(root: String, mapBytes: Int = 64 << 30) {
    self.init(root: root, mapBytes: mapBytes, version: Self.formatVersion)
  }

  init(root: String, mapBytes: Int, version: UInt32) {
    self.root = root
    self.mapBytes = mapBytes
    self.version = version
  }

  /// Locks the directory against a second instance for as long as the result lives.
  ///
  /// - Throws: `.held`, naming the path and the process that holds it, or why the file can't be
  ///   written.
  public func lock() throws(RootLockError) -> RootLock {
    try RootLock(root: root)
  }

  public func open(
    stage: String, partition: Int32, tables: [String]
  ) throws(StoreError) -> LMDBStore {
    let path = path(stage, partition)
    try FileSystem.createDirectories(path)
    return LMDBStore(
      try EnvironmentRegistry.lease(path, tables: tables, options: options(isReadOnly: false)))
  }

  /// Opens an existing store read-only, even while another process writes it.
  public func openReadOnly(stage: String, partition: Int32) throws(StoreError) -> LMDBReader {
    LMDBReader(
      try EnvironmentRegistry.leaseReadOnly(
        path(stage, partition), options: options(isReadOnly: true)))
  }

  public func destroy(stage: String, partition: Int32) throws(StoreError) {
    let path = path(stage, partition)
    try EnvironmentRegistry.detach(path) { () throws(StoreError) in
      try FileSystem.removeDirectory(path)
    }
  }

  /// The partitions of a stage that have a store, in order.
  public func partitions(stage: String) throws(StoreError) -> [Int32] {
    try FileSystem.names(in: "\(root)/\(stage)").compactMap { Int32($0) }.sorted()
  }

  /// The stores that this process has open, in order.
  public func openStores() -> [(stage: String, partition: Int32, store: LMDBReader)] {
    EnvironmentRegistry.leases(below: root).compactMap { path, lease in
      let parts = path.dropFirst(root.count + 1).split(separator: "/")
      guard parts.count == 2, let partition = Int32(parts[1]) else { return nil }
      return (String(parts[0]), partition, LMDBReader(lease))
    }.sorted { ($0.stage, $0.partition) < ($1.stage, $1.partition) }
  }

  /// What the mark of a store says.
  public func condition(stage: String, partition: Int32) throws(StoreError) -> StoreCondition {
    try DurabilityMark.condition(path(stage, partition), bootID: DurabilityMark.currentBootID())
  }

  package func path(_ stage: String, _ partition: Int32) -> String {
    "\(root)/\(stage)/\(partition)"
  }

  func options(isReadOnly: Bool) throws(StoreError) -> EnvironmentOptions {
    EnvironmentOptions(
      mapBytes: mapBytes, formatVersion: version, isReadOnly: isReadOnly,
      bootID: try DurabilityMark.currentBootID())
  }
}
