import StateStore

/// The rows that share a prefix, each chained to the one before it. Made when a scan asks for it:
/// most batches have none, and for them a row costs no more than its own hash.
struct PrefixChains<Prefix: Hashable> {
  private var newest: [Prefix: Int] = [:]
  /// By row, the row before it with the same prefix; -1 for none.
  private var previous: [Int] = []

  /// Takes the rows up to `count` in.
  mutating func extend(to count: Int, _ prefix: (Int) -> Prefix) {
    for row in previous.count..<count {
      previous.append(newest.updateValue(row, forKey: prefix(row)) ?? -1)
    }
  }

  func rows(of prefix: Prefix) -> [Int] {
    var rows: [Int] = []
    var row = newest[prefix] ?? -1
    while row >= 0 {
      rows.append(row)
      row = previous[row]
    }
    return rows
  }

  mutating func removeAll() {
    newest.removeAllOfBatch()
    previous.removeAllOfBatch()
  }
}
