import CLMDB
import StateStore

/// A store's tables, and its own entries in the meta table.
///
/// Those keys begin with a zero byte; all others are the engine's. Integers are big-endian.
struct StoreLayout {
  static let metaName = "meta"
  static let formatKey = ownKey("format")
  static let tablesKey = ownKey("tables")
  static let creatorKey = ownKey("created-by")
  static let offsetKey = ownKey("changelog-offset")
  /// Present while a commit in parts is unfinished.
  static let unfinishedKey = ownKey("unfinished")

  let tableNames: [String]
  let tables: [MDB_dbi]

  static func ownKey(_ name: String) -> [UInt8] { [0] + name.utf8 }

  static func isOwnKey(_ key: RawSpan) -> Bool {
    unsafe key.byteCount > 0 && key.unsafeLoad(fromByteOffset: 0, as: UInt8.self) == 0
  }

  /// Opens the tables, and creates those that are missing: tables may be added after existing ones.
  ///
  /// - Parameter names: of the tables; `nil` takes those the store names.
  init(
    _ environment: OpaquePointer, _ path: String, names: [String]?, formatVersion: UInt32,
    isReadOnly: Bool
  ) throws(StoreError) {
    var transaction = try unsafe Transaction(environment, path, isReadOnly: isReadOnly)
    let meta = try transaction.openTable(Self.metaName, create: !isReadOnly)
    let stored = try Self.storedNames(transaction, meta, formatVersion: formatVersion)
    let wanted = names ?? stored ?? []
    if let stored, !wanted.starts(with: stored) {
      throw StoreError(
        "the store at \(path) has the tables \(stored), not \(wanted); it belongs to a "
          + "different version of the program", remedy: .stop)
    }
    if !isReadOnly && stored != wanted {
      try transaction.put(meta, Self.formatKey, formatVersion.bigEndianBytes)
      try transaction.put(meta, Self.tablesKey, Array(wanted.joined(separator: "\n").utf8))
      try transaction.put(meta, Self.creatorKey, Array("projectionist".utf8))
    }
    var tables = [meta]
    for name in wanted { tables.append(try transaction.openTable(name, create: !isReadOnly)) }
    try transaction.commit()
    self.tables = tables
    tableNames = wanted
  }

  /// The table names of an existing store, `nil` for a new one. Throws if the format is unknown.
  private static func storedNames(
    _ transaction: borrowing Transaction, _ meta: MDB_dbi, formatVersion: UInt32
  ) throws(StoreError) -> [String]? {
    guard let format = try transaction.get(meta, formatKey) else { return nil }
    guard format == formatVersion.bigEndianBytes else {
      let version = UInt32(bigEndianBytes: format).map(String.init) ?? "unreadable"
      throw StoreError(
        "the store at \(transaction.path) has format version \(version) and this program "
          + "reads \(formatVersion); run the matching program, or delete the store to "
          + "rebuild it from the changelog", remedy: .stop)
    }
    let names = try transaction.get(meta, tablesKey) ?? []
    return String(decoding: names, as: UTF8.self).split(separator: "\n").map(String.init)
  }
}

extension FixedWidthInteger {
  var bigEndianBytes: [UInt8] { unsafe withUnsafeBytes(of: bigEndian) { unsafe Array($0) } }

  /// `nil` if the number of bytes is wrong.
  init?(bigEndianBytes bytes: [UInt8]) {
    guard bytes.count == MemoryLayout<Self>.size else { return nil }
    self = unsafe bytes.withUnsafeBytes { unsafe Self(bigEndian: $0.loadUnaligned(as: Self.self)) }
  }
}
