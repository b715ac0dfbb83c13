public import StateStore

/// The rows that share a prefix, each chained to the one before it. Built when a scan asks for it:
/// most batches have no scan and don't pay for the index.
///
/// A hash table of chains without keys: prefixes of the same bucket share a chain, and whoever
/// walks it compares.
@usableFromInline
struct PrefixChains<Prefix: Hashable> {
  /// By bucket, the newest row; -1 for none. A power of two of them.
  @usableFromInline var newest: [Int32] = []
  /// By row, the row before it in its bucket; -1 for none.
  @usableFromInline var previous: [Int32] = []

  @inlinable
  init() {}

  /// Adds the rows up to `count`.
  @inlinable
  mutating func extend(to count: Int, _ prefix: (Int) -> Prefix) {
    if count > newest.count { grow(to: count) }
    for row in previous.count..<count {
      let bucket = bucket(of: prefix(row))
      previous.append(newest[bucket])
      newest[bucket] = Int32(row)
    }
  }

  /// Makes room for twice as many rows, and forgets those there are.
  @inlinable
  mutating func grow(to count: Int) {
    var buckets = 64
    while buckets < 2 * count { buckets *= 2 }
    newest = Array(repeating: -1, count: buckets)
    previous.removeAll(keepingCapacity: true)
    previous.reserveCapacity(buckets)
  }

  /// The rows of a bucket, the newest first: those of the prefix, and maybe others.
  @inlinable
  func rows(near prefix: Prefix) -> [Int] {
    guard !newest.isEmpty else { return [] }
    var rows: [Int] = []
    var row = newest[bucket(of: prefix)]
    while row >= 0 {
      rows.append(Int(row))
      row = previous[Int(row)]
    }
    return rows
  }

  @inlinable
  func bucket(of prefix: Prefix) -> Int { prefix._rawHashValue(seed: 0) & (newest.count - 1) }

  /// Forgets all rows.
  @inlinable
  mutating func removeAll() {
    guard !newest.isEmpty else { return }
    newest.removeAll()
    previous.removeAllOfBatch()
  }
}
