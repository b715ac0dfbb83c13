public import EventLog
public import Streams

/// Counts and sums per key, and sends the key's new tally for every record. The smallest stage that
/// uses all of the engine.
public struct CountingOperator: StageOperator {
  public typealias Store = MemoryStore
  public typealias Producer = MemoryProducer
  public typealias Working = [[UInt8]: Tally?]

  private static let tallies = StageDeclaration.count.output(.tallies)

  public init() {}

  public func makeWorking(_ task: Partition) throws(StageError) -> Working { [:] }

  public func process(
    _ records: borrowing RecordRun, _ working: inout Working, _ task: Partition
  ) throws(StageError) {
    for index in records.indices { try take(records[index], &working, task) }
  }

  private func take(
    _ record: borrowing RecordView, _ working: inout Working, _ task: Partition
  ) throws(StageError) {
    guard let keySpan = record.key else { return }
    let key = Array(copying: keySpan)
    let value: [UInt8]? = if let value = record.value { Array(copying: value) } else { nil }
    let before: Tally? =
      if let changed = working[key] {
        changed
      } else {
        try task.get(.tallies, keySpan) { Tally($0) }
      }
    let after = Tally.next(before, value)
    working[key] = .some(after)
    let output = Array(Tally.output(record.offset, after).utf8)
    try task.send(to: Self.tallies, key: keySpan, value: output.span.bytes)
  }

  public func closeBatch(_ working: inout Working, _ task: Partition) throws(StageError) {
    for (key, tally) in working.sorted(by: { $0.key.lexicographicallyPrecedes($1.key) }) {
      if let tally {
        let encoded = tally.encoded
        try task.put(.tallies, key.span.bytes, encoded.span.bytes)
      } else {
        try task.put(.tallies, key.span.bytes, nil)
      }
    }
    working = [:]
  }
}
