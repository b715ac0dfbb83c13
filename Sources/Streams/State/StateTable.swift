public import StateStore
import EventLog

/// A typed table of one partition: the last committed values, and over them the open batch's
/// changes.
///
/// A value is read and decoded when the batch first asks for its key, and encoded once, at the
/// batch's end, if it has changed; an empty one is deleted. Within the batch it has a *row*: a
/// number that finds it again without another look-up. Rows are numbered from 0 in the order of
/// their first use. They are valid until the batch ends, in a resident table for as long as it
/// lives.
///
/// After an aborted batch the engine makes the partition's state again, tables included.
///
/// Inlinable throughout: only then is a table specialised for its keys and values where it is used.
public struct StateTable<Key: StateKey, Value: StateValue> {
  @usableFromInline
  struct Entry {
    @usableFromInline let key: Key
    @usableFromInline var value: Value
    @usableFromInline var isChanged: Bool

    @inlinable
    init(key: Key, value: Value, isChanged: Bool = false) {
      self.key = key
      self.value = value
      self.isChanged = isChanged
    }
  }

  @usableFromInline let access: TableAccess
  /// Whether all entries stay in memory.
  @usableFromInline let isResident: Bool
  @usableFromInline var index: [Key: Int] = [:]
  @usableFromInline var entries: [Entry] = []
  @usableFromInline var chains = PrefixChains<Key.Prefix>()
  @usableFromInline var encodedKey: [UInt8] = []
  @usableFromInline var encodedValue: [UInt8] = []

  /// A table that keeps values in memory until the end of the batch that uses them.
  @inlinable
  public init<Store, Producer>(_ table: Table, of task: PartitionTask<Store, Producer>) {
    access = TableAccess(table, of: task)
    isResident = false
  }

  /// A small table that is read once and then stays in memory.
  @inlinable
  public init<Store, Producer>(resident table: Table, of task: PartitionTask<Store, Producer>)
    throws(StageError)
  {
    access = TableAccess(table, of: task)
    isResident = true
    var found: [Entry] = []
    try scan { (key, value) throws(StageError) in
      found.append(Entry(key: key, value: value))
      return true
    }
    entries = found
    for (row, entry) in found.enumerated() { index[entry.key] = row }
  }

  // MARK: Rows

  /// How many rows the batch has so far.
  @inlinable
  public var rowCount: Int { entries.count }

  /// The row of a key, read from the store at its first use.
  ///
  /// - Parameter mayBeStored: false when the caller knows that the store has nothing under the key,
  ///   which saves the look-up.
  @inlinable
  public mutating func row(of key: Key, mayBeStored: Bool = true) throws(StageError) -> Int {
    let row = findOrInsert(key)
    if row == entries.count {
      entries.append(Entry(key: key, value: Value()))
      if mayBeStored, !isResident { try load(row) }
    }
    return row
  }

  /// The key of a row.
  @inlinable
  public func key(of row: Int) -> Key { entries[row].key }

  /// The value of a row. Writing to it marks the row as changed.
  ///
  /// Always inlined, so that reading a part of a large value does not copy all of it.
  public subscript(row: Int) -> Value {
    @inlinable
    @inline(__always)
    _read { yield entries[row].value }
    @inlinable
    @inline(__always)
    _modify {
      entries[row].isChanged = true
      yield &entries[row].value
    }
  }

  /// Forgets the value of a row that exists in the open batch only: nothing of it will be written.
  @inlinable
  public mutating func discard(row: Int) {
    entries[row].value = Value()
    entries[row].isChanged = false
  }

  /// The key's row, or where its new one will be. Hashes the key once.
  @inlinable
  mutating func findOrInsert(_ key: Key) -> Int {
    let next = entries.count
    func numbered(_ row: inout Int) -> Int { row }
    return numbered(&index[key, default: next])
  }

  @inlinable
  @inline(never)
  mutating func load(_ row: Int) throws(StageError) {
    do throws(StageError) {
      if let value = try stored(entries[row].key) { entries[row].value = value }
    } catch {
      index[entries[row].key] = nil
      entries.removeLast()
      throw error
    }
  }

  @inlinable
  mutating func stored(_ key: Key) throws(StageError) -> Value? {
    encodedKey.removeAll(keepingCapacity: true)
    key.encode(into: &encodedKey)
    var value: Value?
    var failure: Value.DecodingError?
    try access.get(encodedKey.span.bytes) { bytes in
      guard let bytes else { return }
      do throws(Value.DecodingError) { value = try Value(decoding: bytes) } catch {
        failure = error
      }
    }
    if let failure { throw unreadable(failure) }
    return value
  }

  /// The error to throw when a value turns out to be unreadable after it was decoded.
  @inlinable
  public func unreadable(_ error: some Error) -> StageError { unreadable("value", "\(error)") }

  @usableFromInline
  func unreadable(_ what: String, _ why: String) -> StageError {
    .store(
      StoreError(
        "the state of \(access.source) holds a \(what) that can't be read: \(why)",
        remedy: Value.remedyIfUnreadable))
  }

  // MARK: Keys

  /// The value under a key.
  @inlinable
  public mutating func get(_ key: Key) throws(StageError) -> Value {
    self[try row(of: key)]
  }

  /// Changes the value under a key in place.
  @inlinable
  public mutating func update<R>(_ key: Key, _ body: (inout Value) -> R) throws(StageError) -> R {
    body(&self[try row(of: key)])
  }

  /// Puts a value, whatever was there before.
  @inlinable
  public mutating func put(_ key: Key, _ value: Value) {
    let row = findOrInsert(key)
    if row == entries.count {
      entries.append(Entry(key: key, value: value, isChanged: true))
    } else {
      self[row] = value
    }
  }

  /// Removes whatever is there.
  @inlinable
  public mutating func remove(_ key: Key) { put(key, Value()) }

  // MARK: Scanning

  /// Hands every entry whose key has this prefix to `body`, in the order of the keys' bytes, until
  /// it returns false.
  @inlinable
  public mutating func scan(
    prefix: Key.Prefix, _ body: (_ key: Key, _ value: Value) throws(StageError) -> Bool
  ) throws(StageError) {
    chains.extend(to: entries.count) { entries[$0].key.prefix }
    var bytes: [UInt8] = []
    prefix.encode(into: &bytes)
    try scan(
      bytes, own: chains.rows(near: prefix).filter { entries[$0].key.prefix == prefix }, body)
  }

  /// Hands every entry of the table to `body`, in the order of the keys' bytes, until it returns
  /// false.
  @inlinable
  public func scan(
    _ body: (_ key: Key, _ value: Value) throws(StageError) -> Bool
  ) throws(StageError) {
    try scan([], own: Array(entries.indices), body)
  }

  /// Merges the committed entries with the batch's rows, which replace those with the same key.
  @inlinable
  func scan(
    _ prefix: [UInt8], own rows: [Int],
    _ body: (_ key: Key, _ value: Value) throws(StageError) -> Bool
  ) throws(StageError) {
    let own = rows.map { row in
      var bytes: [UInt8] = []
      entries[row].key.encode(into: &bytes)
      return (bytes: bytes, row: row)
    }.sorted { $0.bytes.lexicographicallyPrecedes($1.bytes) }
    var next = 0
    var goesOn = true
    /// Hands out the batch's next row.
    func handOut() throws(StageError) {
      let entry = entries[own[next].row]
      next += 1
      if !entry.value.isEmpty { goesOn = try body(entry.key, entry.value) }
    }
    var failure: StageError?
    try access.scan(prefix.span.bytes) { key, bytes in
      do throws(StageError) {
        while goesOn, next < own.count {
          let order = compare(own[next].bytes, key)
          if order > 0 { break }
          try handOut()
          if order == 0 { return goesOn }
        }
        if goesOn { goesOn = try body(try decode(key: key), try decode(value: bytes)) }
      } catch {
        failure = error
        goesOn = false
      }
      return goesOn
    }
    if let failure { throw failure }
    while goesOn, next < own.count { try handOut() }
  }

  @inlinable
  func decode(key: RawSpan) throws(StageError) -> Key {
    guard let decoded = Key(decoding: key) else {
      throw unreadable("key", "it has \(key.byteCount) bytes of another layout")
    }
    return decoded
  }

  @inlinable
  func decode(value: RawSpan) throws(StageError) -> Value {
    do throws(Value.DecodingError) { return try Value(decoding: value) } catch {
      throw unreadable(error)
    }
  }

  // MARK: Batch

  /// Sends the batch's changes to the changelog and adds them to the store's next commit, in the
  /// order of their rows. Then forgets the batch.
  @inlinable
  public mutating func writeChanges() throws(StageError) {
    for row in entries.indices where entries[row].isChanged {
      encodedKey.removeAll(keepingCapacity: true)
      entries[row].key.encode(into: &encodedKey)
      encodedValue.removeAll(keepingCapacity: true)
      guard !entries[row].value.isEmpty else {
        try access.put(encodedKey.span.bytes, nil)
        continue
      }
      entries[row].value.encode(into: &encodedValue)
      try access.put(encodedKey.span.bytes, encodedValue.span.bytes)
    }
    forgetBatch()
  }

  @inlinable
  mutating func forgetBatch() {
    chains.removeAll()
    if isResident {
      for row in entries.indices { entries[row].isChanged = false }
    } else {
      index.removeAllOfBatch()
      entries.removeAllOfBatch()
    }
  }
}

/// Orders bytes as stores do: negative when `a` comes first, 0 when they are equal.
@usableFromInline
func compare(_ a: [UInt8], _ b: RawSpan) -> Int {
  for position in 0..<min(a.count, b.byteCount) {
    let other = b.unsafeLoad(fromByteOffset: position, as: UInt8.self)
    if a[position] != other { return Int(a[position]) - Int(other) }
  }
  return a.count - b.byteCount
}
