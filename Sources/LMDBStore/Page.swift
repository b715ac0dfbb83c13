import Glibc
import StateStore

/// One page of a store's file, or several that hold one value. Integers are in native byte order.
struct Page: ~Copyable {
  static let headerBytes = 16
  // `P_BRANCH`, `P_LEAF`, `P_OVERFLOW` and `P_META`.
  static let branch: UInt16 = 0x01
  static let leaf: UInt16 = 0x02
  static let overflow: UInt16 = 0x04
  static let meta: UInt16 = 0x08

  let bytes: [UInt8]

  /// - Parameters:
  ///   - size: of a page, in bytes.
  ///   - count: how many to read.
  /// - Throws: `.rebuild` if the file ends before them.
  init(_ file: Int32, _ path: String, number: UInt64, size: Int, count pages: Int = 1)
    throws(StoreError)
  {
    let offset = number.multipliedReportingOverflow(by: UInt64(size))
    let size = size * pages
    var count = 0
    let bytes = unsafe [UInt8](unsafeUninitializedCapacity: size) { buffer, initialized in
      if !offset.overflow, let position = Int(exactly: offset.partialValue) {
        count = unsafe pread(file, buffer.baseAddress, size, position)
      }
      initialized = max(0, count)
    }
    guard count >= 0 else { throw LMDBFailure.system("read", path) }
    guard count == size else {
      throw StoreError(
        "the store at \(path) is truncated within page \(number); rebuild it", remedy: .rebuild)
    }
    self.bytes = bytes
  }

  func integer<Value: FixedWidthInteger>(_: Value.Type, at offset: Int) -> Value {
    unsafe bytes.withUnsafeBytes { unsafe $0.loadUnaligned(fromByteOffset: offset, as: Value.self) }
  }

  /// The page's number, as it says itself.
  var number: UInt64 { integer(UInt64.self, at: 0) }

  var kind: UInt16 {
    integer(UInt16.self, at: 10) & (Self.branch | Self.leaf | Self.overflow | Self.meta)
  }

  /// `nil` if the page's limits contradict each other.
  var nodeCount: Int? {
    let lower = Int(integer(UInt16.self, at: 12))
    let upper = Int(integer(UInt16.self, at: 14))
    guard lower >= Self.headerBytes, lower <= upper, upper <= bytes.count else { return nil }
    return (lower - Self.headerBytes) / 2
  }

  /// - Returns: `nil` if the node reaches beyond the page.
  func node(_ index: Int, isLeaf: Bool) -> Node? {
    let start = Int(integer(UInt16.self, at: Self.headerBytes + 2 * index))
    guard start >= Self.headerBytes, start + Node.headerBytes <= bytes.count else { return nil }
    let low = UInt64(integer(UInt16.self, at: start))
    let middle = UInt64(integer(UInt16.self, at: start + 2))
    let flags = integer(UInt16.self, at: start + 4)
    let keyStart = start + Node.headerBytes
    let keyEnd = keyStart + Int(integer(UInt16.self, at: start + 6))
    let length = Int(low | middle << 16)
    let isElsewhere = isLeaf && flags & Node.bigData != 0
    let end = keyEnd + (isLeaf ? isElsewhere ? 8 : length : 0)
    guard end <= bytes.count else { return nil }
    return Node(
      key: keyStart..<keyEnd, value: keyEnd..<end, length: length, isElsewhere: isElsewhere,
      isTree: flags & Node.subData != 0, child: low | middle << 16 | UInt64(flags) << 32)
  }
}

/// An entry of a page.
struct Node {
  static let headerBytes = 8
  // `F_BIGDATA` and `F_SUBDATA`.
  static let bigData: UInt16 = 0x01
  static let subData: UInt16 = 0x02

  /// Where the page holds the key.
  let key: Range<Int>
  /// Where the page holds the value, or the number of the page that does.
  let value: Range<Int>
  /// The value's length in bytes.
  let length: Int
  let isElsewhere: Bool
  /// Whether the value is a table's `TreeRecord`.
  let isTree: Bool
  /// The page below; in branches only.
  let child: UInt64
}

/// A tree's record: `MDB_db`.
struct TreeRecord {
  static let byteCount = 48
  static let noPage = UInt64.max

  let depth: UInt16
  let branchPages: UInt64
  let leafPages: UInt64
  let root: UInt64

  init(_ page: borrowing Page, at offset: Int) {
    depth = page.integer(UInt16.self, at: offset + 6)
    branchPages = page.integer(UInt64.self, at: offset + 8)
    leafPages = page.integer(UInt64.self, at: offset + 16)
    root = page.integer(UInt64.self, at: offset + 40)
  }
}

/// One of the two pages that say where the trees are: `MDB_meta`.
struct MetaPage {
  /// Enough to hold all of it.
  static let readBytes = 512
  private static let magic: UInt32 = 0xBEEF_C0DE
  private static let version: UInt32 = 1

  let isValid: Bool
  let pageSize: UInt32
  let free: TreeRecord
  let main: TreeRecord
  let lastPage: UInt64
  let transaction: UInt64

  init(_ page: borrowing Page) {
    let start = Page.headerBytes
    isValid =
      page.kind == Page.meta && page.integer(UInt32.self, at: start) == Self.magic
      && page.integer(UInt32.self, at: start + 4) == Self.version
    // The record of the tree of free pages holds the page size in a field unused by others.
    pageSize = page.integer(UInt32.self, at: start + 24)
    free = TreeRecord(page, at: start + 24)
    main = TreeRecord(page, at: start + 24 + TreeRecord.byteCount)
    lastPage = page.integer(UInt64.self, at: start + 24 + 2 * TreeRecord.byteCount)
    transaction = page.integer(UInt64.self, at: start + 32 + 2 * TreeRecord.byteCount)
  }
}
