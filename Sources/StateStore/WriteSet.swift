/// The uncommitted changes of one batch: puts and deletes, by table and key.
///
/// All bytes are in one arena; an entry takes 24 bytes. A key written twice keeps its last value.
public struct WriteSet: Sendable {
  private struct Entry {
    var start: UInt32
    var keyLength: UInt16
    var table: UInt8
    var isDelete: Bool
    var valueLength: UInt32
    /// The key's first eight bytes, big-endian, which decide most comparisons.
    var keyPrefix: UInt64
  }

  private var arena: [UInt8] = []
  private var entries: [Entry] = []
  private var isSorted = true

  public init() {}

  public var count: Int { entries.count }
  public var isEmpty: Bool { entries.isEmpty }
  /// How much memory its writes take, in bytes.
  public var memoryBytes: Int { arena.count + entries.count * MemoryLayout<Entry>.stride }

  /// Adds a put, or a delete if the value is `nil`.
  public mutating func set(_ table: Table, _ key: RawSpan, _ value: RawSpan?) {
    precondition(key.byteCount <= UInt16.max && arena.count < Int(UInt32.max) - (1 << 28))
    entries.append(
      Entry(
        start: UInt32(arena.count), keyLength: UInt16(key.byteCount), table: table.rawValue,
        isDelete: value == nil, valueLength: UInt32(value?.byteCount ?? 0),
        keyPrefix: Self.prefix(of: key)))
    key.withUnsafeBytes { arena.append(contentsOf: $0) }
    if let value { value.withUnsafeBytes { arena.append(contentsOf: $0) } }
    isSorted = false
  }

  /// Orders the writes by table and key, and drops all but the last one of each key.
  public mutating func sort() {
    guard !isSorted else { return }
    let arena = self.arena
    let bytes = arena.span.bytes
    entries.sort { a, b in
      if a.table != b.table { return a.table < b.table }
      if a.keyPrefix != b.keyPrefix { return a.keyPrefix < b.keyPrefix }
      let order = Self.compareKeys(a, b, in: bytes)
      return order == 0 ? a.start < b.start : order < 0
    }
    var kept = 0
    for index in entries.indices {
      let isSuperseded =
        index + 1 < entries.count && entries[index].table == entries[index + 1].table
        && Self.compareKeys(entries[index], entries[index + 1], in: bytes) == 0
      if !isSuperseded {
        entries[kept] = entries[index]
        kept += 1
      }
    }
    entries.removeLast(entries.count - kept)
    isSorted = true
  }

  /// Hands every write to `body`, in order once sorted. A `nil` value is a delete.
  public func forEach<E: Error>(
    _ body: (_ table: Table, _ key: RawSpan, _ value: RawSpan?) throws(E) -> Void
  ) throws(E) {
    try forEach(in: 0..<entries.count, body)
  }

  /// Hands the writes with these indices to `body`, in order once sorted.
  public func forEach<E: Error>(
    in range: Range<Int>,
    _ body: (_ table: Table, _ key: RawSpan, _ value: RawSpan?) throws(E) -> Void
  ) throws(E) {
    let bytes = arena.span.bytes
    for entry in entries[range] {
      let valueStart = Int(entry.start) + Int(entry.keyLength)
      let key = bytes.extracting(Int(entry.start)..<valueStart)
      let value =
        entry.isDelete
        ? nil : bytes.extracting(valueStart..<valueStart + Int(entry.valueLength))
      try body(Table(rawValue: entry.table), key, value)
    }
  }

  /// The indices of the writes from `start` on that change at most this many pages of a tree,
  /// assuming that each is on its own page and a long one fills several. At least one write.
  public func range(from start: Int, pages: Int, of pageBytes: Int) -> Range<Int> {
    var end = start
    var room = pages
    while end < entries.count {
      let bytes = Int(entries[end].keyLength) + Int(entries[end].valueLength)
      room -= 1 + bytes / pageBytes
      if room < 0 && end > start { break }
      end += 1
    }
    return start..<end
  }

  /// Forgets all writes.
  public mutating func removeAll() {
    arena.removeAllOfBatch()
    entries.removeAllOfBatch()
    isSorted = true
  }

  private static func prefix(of key: RawSpan) -> UInt64 {
    key.withUnsafeBytes { bytes in
      if bytes.count >= 8 { return UInt64(bigEndian: bytes.loadUnaligned(as: UInt64.self)) }
      var prefix: UInt64 = 0
      for (index, byte) in bytes.enumerated() {
        prefix |= UInt64(byte) << UInt64(56 - 8 * index)
      }
      return prefix
    }
  }

  private static func compareKeys(_ a: Entry, _ b: Entry, in bytes: RawSpan) -> Int {
    for index in 0..<Int(min(a.keyLength, b.keyLength)) {
      let x = bytes.unsafeLoad(fromByteOffset: Int(a.start) + index, as: UInt8.self)
      let y = bytes.unsafeLoad(fromByteOffset: Int(b.start) + index, as: UInt8.self)
      if x != y { return Int(x) - Int(y) }
    }
    return Int(a.keyLength) - Int(b.keyLength)
  }
}
