import EventLog
import Streams

/// What one input partition of the counting stage must result in: the naive fold of its records.
struct CountingModel {
  typealias State = [[UInt8]: [UInt8]]

  private struct Entry {
    var record: MemoryRecord
    /// The output, if the record has a key.
    var output: String?
    /// The state after the record.
    var state: State
  }

  private var entries: [Entry] = []
  private var tallies: [[UInt8]: Tally] = [:]

  /// The offset after the last record.
  var end: Int64 { entries.last.map { $0.record.offset + 1 } ?? 0 }

  mutating func add(_ record: MemoryRecord) {
    // A transaction that is decided late has lower offsets than records appended meanwhile.
    let place = index(of: record.offset)
    let later = entries[place...].map(\.record)
    if !later.isEmpty {
      entries.removeSubrange(place...)
      tallies = (entries.last?.state ?? [:]).compactMapValues { Tally($0.span.bytes) }
    }
    for record in [record] + later { fold(record) }
  }

  private mutating func fold(_ record: MemoryRecord) {
    var state = entries.last?.state ?? [:]
    var output: String?
    if let key = record.key {
      let tally = Tally.next(tallies[key], record.value)
      tallies[key] = tally
      state[key] = tally?.encoded
      output = Tally.output(record.offset, tally)
    }
    entries.append(Entry(record: record, output: output, state: state))
  }

  /// How many records are below an offset.
  private func index(of offset: Int64) -> Int {
    var low = 0
    var high = entries.count
    while low < high {
      let middle = (low + high) / 2
      if entries[middle].record.offset < offset { low = middle + 1 } else { high = middle }
    }
    return low
  }

  /// The state after all records below an offset.
  func state(below offset: Int64) -> State {
    let count = index(of: offset)
    return count == 0 ? [:] : entries[count - 1].state
  }

  struct Output: Hashable {
    var key: [UInt8]
    var text: String
  }

  /// The outputs of the records in a range of offsets, in order.
  func outputs(_ range: Range<Int64>) -> [Output] {
    entries[index(of: range.lowerBound)..<index(of: range.upperBound)].compactMap { entry in
      guard let output = entry.output, let key = entry.record.key else { return nil }
      return Output(key: key, text: output)
    }
  }
}
