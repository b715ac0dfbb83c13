/// The newest feature record of each entity in a batch: the ones before it would be overwritten
/// anyway, so only this one is parsed and written.
struct PendingFeatures {
  struct Record {
    let entity: Int64
    var offset: Int64
    /// Where the value is in the arena; `nil` for a tombstone.
    var value: Range<Int>?
  }

  private(set) var records: [Record] = []
  private var index: [Int64: Int] = [:]
  private var arena: [UInt8] = []

  mutating func set(_ entity: Int64, offset: Int64, value: RawSpan?) {
    var range: Range<Int>?
    if let value {
      let start = arena.count
      value.withUnsafeBytes { arena.append(contentsOf: $0) }
      range = start..<arena.count
    }
    if let known = index[entity] {
      records[known].offset = offset
      records[known].value = range
    } else {
      index[entity] = records.count
      records.append(Record(entity: entity, offset: offset, value: range))
    }
  }

  /// Hands every entity's newest record to `body`, in the order of their first appearance.
  func forEach(_ body: (_ entity: Int64, _ offset: Int64, _ value: RawSpan?) -> Void) {
    let bytes = arena.span.bytes
    for record in records {
      if let range = record.value {
        body(record.entity, record.offset, bytes.extracting(range))
      } else {
        body(record.entity, record.offset, nil)
      }
    }
  }

  mutating func removeAll() {
    records.removeAll(keepingCapacity: true)
    index.removeAll(keepingCapacity: true)
    arena.removeAll(keepingCapacity: true)
  }
}
