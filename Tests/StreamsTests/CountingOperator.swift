import EventLog
import Simulation
import StateStore

@testable import Streams

/// What the test stage knows of one key. The digest depends on the order of the values.
struct Tally: Hashable, Sendable {
  var count: Int64 = 0
  var sum: Int64 = 0
  var digest: UInt64 = 0

  mutating func add(_ value: Int64) {
    count += 1
    sum += value
    digest = digest &* 31 &+ UInt64(bitPattern: value)
  }

  var encoded: [UInt8] { text.utf8Array }
  var text: String { "\(count),\(sum),\(digest)" }

  init() {}

  init?(_ bytes: RawSpan?) {
    guard let bytes else { return nil }
    let fields = String(decoding: Array(copying: bytes), as: UTF8.self).split(separator: ",")
    guard fields.count == 3, let count = Int64(fields[0]), let sum = Int64(fields[1]),
      let digest = UInt64(fields[2])
    else { return nil }
    (self.count, self.sum, self.digest) = (count, sum, digest)
  }

  /// The tally after one more record: a number is added, anything else takes the key away.
  static func next(_ tally: Tally?, _ value: [UInt8]?) -> Tally? {
    guard let number = Int64(String(decoding: value ?? [], as: UTF8.self)) else { return nil }
    var next = tally ?? Tally()
    next.add(number)
    return next
  }

  /// What the stage sends for a record: its offset, and the tally then.
  static func output(_ offset: Int64, _ tally: Tally?) -> String {
    "\(offset):\(tally?.text ?? "none")"
  }
}

extension Table {
  static let tallies = Table(rawValue: 1)
}

/// Counts and sums per key; sends every key's new tally, one output a record.
struct CountingOperator: StageOperator {
  typealias Store = MemoryStore
  typealias Producer = MemoryProducer
  typealias Working = [[UInt8]: Tally?]

  func makeWorking(_ task: Partition) throws(StageError) -> Working { [:] }

  func process(_ record: borrowing RecordView, _ working: inout Working, _ task: Partition)
    throws(StageError)
  {
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
    let output = Tally.output(record.offset, after).utf8Array
    try task.send(to: 0, key: keySpan, value: output.span.bytes)
  }

  func closeBatch(_ working: inout Working, _ task: Partition) throws(StageError) {
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

extension String {
  var utf8Array: [UInt8] { Array(utf8) }
}
