public import StateStore
import EventLog

/// A typed table of one partition: the last committed values, and over them what the open batch
/// has changed.
///
/// A value is read and decoded when the batch first asks for its key, and encoded once, at the
/// batch's end, if it has changed. Within the batch it has a *row*: a number that finds it again
/// without another look-up. Rows count up from 0 in the order of their first use; they are valid
/// until the batch ends, and those of a resident table for ever.
///
/// After an aborted batch the engine makes the partition's state again, tables included.
public struct StateTable<Key: StateKey, Value: StateValue> {
  private struct Entry {
    let key: Key
    var value: Value?
    var isChanged = false
  }

  private let access: TableAccess
  /// Whether all entries are in memory for ever.
  private let isResident: Bool
  private var index: [Key: Int] = [:]
  private var entries: [Entry] = []
  private var chains = PrefixChains<Key.Prefix>()
  private var encodedKey: [UInt8] = []
  private var encodedValue: [UInt8] = []

  /// A table whose values are in memory for as long as a batch that uses them.
  public init<Store, Producer>(_ table: Table, of task: PartitionTask<Store, Producer>) {
    access = TableAccess(table, of: task)
    isResident = false
  }

  /// A small table that is read once and stays in memory.
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
  public var rowCount: Int { entries.count }

  /// The row of a key, read from the store at its first use.
  ///
  /// - Parameter mayBeStored: false when the caller knows that the store has nothing under the key,
  ///   which saves a look into it.
  public mutating func row(of key: Key, mayBeStored: Bool = true) throws(StageError) -> Int {
    let row = findOrInsert(key)
    if row == entries.count {
      entries.append(Entry(key: key, value: nil))
      if mayBeStored, !isResident { try load(row) }
    }
    return row
  }

  /// The key of a row.
  public func key(of row: Int) -> Key { entries[row].key }

  /// The value of a row, `nil` for none. Whoever writes to it changes the row.
  public subscript(row: Int) -> Value? {
    _read { yield entries[row].value }
    _modify {
      entries[row].isChanged = true
      yield &entries[row].value
    }
  }

  /// Forgets what the batch has put into a row that the store has nothing under.
  public mutating func discard(row: Int) {
    entries[row].value = nil
    entries[row].isChanged = false
  }

  /// The key's row, or where its new one will be. Hashes the key once.
  private mutating func findOrInsert(_ key: Key) -> Int {
    let next = entries.count
    func numbered(_ row: inout Int) -> Int { row }
    return numbered(&index[key, default: next])
  }

  @inline(never)
  private mutating func load(_ row: Int) throws(StageError) {
    do throws(StageError) {
      entries[row].value = try stored(entries[row].key)
    } catch {
      index[entries[row].key] = nil
      entries.removeLast()
      throw error
    }
  }

  private mutating func stored(_ key: Key) throws(StageError) -> Value? {
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
    if let failure { throw unreadable("value", "\(failure)") }
    return value
  }

  private func unreadable(_ what: String, _ why: String) -> StageError {
    .store(
      StoreError(
        "the state of \(access.source) holds a \(what) that can't be read: \(why)",
        remedy: Value.remedyIfUnreadable))
  }

  // MARK: Keys

  /// The value under a key.
  public mutating func get(_ key: Key) throws(StageError) -> Value? {
    self[try row(of: key)]
  }

  /// Changes the value under a key in place; `nil` is none.
  public mutating func update<R>(_ key: Key, _ body: (inout Value?) -> R) throws(StageError) -> R {
    body(&self[try row(of: key)])
  }

  /// Puts a value, whatever was there before.
  public mutating func put(_ key: Key, _ value: Value) {
    overwrite(key, value)
  }

  /// Removes whatever is there.
  public mutating func remove(_ key: Key) {
    overwrite(key, nil)
  }

  private mutating func overwrite(_ key: Key, _ value: Value?) {
    let row = findOrInsert(key)
    if row == entries.count {
      entries.append(Entry(key: key, value: value, isChanged: true))
    } else {
      self[row] = value
    }
  }

  // MARK: Scanning

  /// Hands every entry whose key has this prefix to `body`, in the order of the keys' bytes, until
  /// it returns false.
  public mutating func scan(
    prefix: Key.Prefix, _ body: (_ key: Key, _ value: Value) throws(StageError) -> Bool
  ) throws(StageError) {
    chains.extend(to: entries.count) { entries[$0].key.prefix }
    var bytes: [UInt8] = []
    prefix.encode(into: &bytes)
    try scan(bytes, own: chains.rows(of: prefix), body)
  }

  /// Hands every entry of the table to `body`, in the order of the keys' bytes, until it returns
  /// false.
  public mutating func scan(
    _ body: (_ key: Key, _ value: Value) throws(StageError) -> Bool
  ) throws(StageError) {
    try scan([], own: Array(entries.indices), body)
  }

  /// Merges the committed entries with the batch's rows, which stand in the place of those with the
  /// same key.
  private func scan(
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
      if let value = entry.value { goesOn = try body(entry.key, value) }
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

  private func decode(key: RawSpan) throws(StageError) -> Key {
    guard let decoded = Key(decoding: key) else {
      throw unreadable("key", "it has \(key.byteCount) bytes of another layout")
    }
    return decoded
  }

  private func decode(value: RawSpan) throws(StageError) -> Value {
    do throws(Value.DecodingError) { return try Value(decoding: value) } catch {
      throw unreadable("value", "\(error)")
    }
  }

  // MARK: Batch

  /// Sends the batch's changes to the changelog and adds them to the store's next commit, in the
  /// order of their rows. Then begins the next batch.
  public mutating func writeChanges() throws(StageError) {
    for row in entries.indices where entries[row].isChanged {
      encodedKey.removeAll(keepingCapacity: true)
      entries[row].key.encode(into: &encodedKey)
      encodedValue.removeAll(keepingCapacity: true)
      guard entries[row].value != nil else {
        try access.put(encodedKey.span.bytes, nil)
        continue
      }
      entries[row].value?.encode(into: &encodedValue)
      try access.put(encodedKey.span.bytes, encodedValue.span.bytes)
    }
    forgetBatch()
  }

  private mutating func forgetBatch() {
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
private func compare(_ a: [UInt8], _ b: RawSpan) -> Int {
  for position in 0..<min(a.count, b.byteCount) {
    let other = b.unsafeLoad(fromByteOffset: position, as: UInt8.self)
    if a[position] != other { return Int(a[position]) - Int(other) }
  }
  return a.count - b.byteCount
}
