public import EventLog

/// A record in the log.
public struct MemoryRecord: Hashable, Sendable {
  public var offset: Int64
  public var key: [UInt8]?
  public var value: [UInt8]?
  public var headers: [RecordHeader]
  /// Milliseconds since 1970.
  public var timestamp: Int64
}

/// One partition: records and transaction markers by offset, with gaps after compaction.
struct PartitionLog: Sendable {
  private struct Entry: Sendable {
    var record: MemoryRecord
    var transaction: Int?
    var isMarker = false
  }

  struct Fetch {
    var records: [MemoryRecord] = []
    /// Where the next fetch starts.
    var next: Int64
    /// Whether `next` is the end of what the reader can see.
    var isAtEnd = false
  }

  private var entries: [Entry] = []
  private(set) var start: Int64 = 0
  private(set) var end: Int64 = 0
  /// First offset by open transaction.
  private var openTransactions: [Int: Int64] = [:]
  private var abortedTransactions: Set<Int> = []

  /// Everything below it is decided.
  var lastStableOffset: Int64 { openTransactions.values.min() ?? end }

  func visibleEnd(readCommitted: Bool) -> Int64 { readCommitted ? lastStableOffset : end }

  // MARK: Writing

  mutating func append(_ record: MemoryRecord, transaction: Int?) -> Int64 {
    var stored = record
    stored.offset = end
    if let transaction, openTransactions[transaction] == nil {
      openTransactions[transaction] = end
    }
    entries.append(Entry(record: stored, transaction: transaction))
    end += 1
    return stored.offset
  }

  /// Writes the marker that decides a transaction; it takes an offset like a record.
  mutating func complete(_ transaction: Int, isCommitted: Bool, timestamp: Int64) {
    guard openTransactions.removeValue(forKey: transaction) != nil else { return }
    if !isCommitted { abortedTransactions.insert(transaction) }
    let marker = MemoryRecord(offset: end, key: nil, value: nil, headers: [], timestamp: timestamp)
    entries.append(Entry(record: marker, transaction: transaction, isMarker: true))
    end += 1
  }

  // MARK: Reading

  func fetch(from position: Int64, maxRecords: Int, readCommitted: Bool) -> Fetch {
    let visibleEnd = visibleEnd(readCommitted: readCommitted)
    var fetch = Fetch(next: position)
    var index = entries.partitioningIndex { $0.record.offset >= position }
    while index < entries.count, entries[index].record.offset < visibleEnd {
      if isVisible(entries[index], readCommitted: readCommitted) {
        guard fetch.records.count < maxRecords else { return fetch }
        fetch.records.append(entries[index].record)
      }
      fetch.next = entries[index].record.offset + 1
      index += 1
    }
    fetch.next = max(fetch.next, visibleEnd)
    fetch.isAtEnd = true
    return fetch
  }

  private func isVisible(_ entry: Entry, readCommitted: Bool) -> Bool {
    guard !entry.isMarker else { return false }
    guard readCommitted, let transaction = entry.transaction else { return true }
    return !abortedTransactions.contains(transaction)
  }

  // MARK: Cleaning

  /// Keeps only the last record of each key below `limit`; drops aborted records and markers there.
  mutating func compact(below limit: Int64, keepsTombstones: Bool) {
    let limit = min(limit, lastStableOffset)
    var newest: [[UInt8]: Int64] = [:]
    for entry in entries where entry.record.offset < limit {
      guard isVisible(entry, readCommitted: true), let key = entry.record.key else { continue }
      newest[key] = entry.record.offset
    }
    entries = entries.filter { entry in
      guard entry.record.offset < limit else { return true }
      guard isVisible(entry, readCommitted: true), let key = entry.record.key else { return false }
      if entry.record.value == nil, !keepsTombstones { return false }
      return newest[key] == entry.record.offset
    }
  }

  /// Deletes everything before `offset`, as retention does.
  mutating func truncate(before offset: Int64) {
    start = max(start, min(offset, end))
    let start = self.start
    entries.removeAll { $0.record.offset < start }
  }
}

extension Array {
  /// The first index whose element satisfies a predicate that is false, then true.
  fileprivate func partitioningIndex(where predicate: (Element) -> Bool) -> Int {
    var low = 0
    var high = count
    while low < high {
      let middle = (low + high) / 2
      if predicate(self[middle]) { high = middle } else { low = middle + 1 }
    }
    return low
  }
}
