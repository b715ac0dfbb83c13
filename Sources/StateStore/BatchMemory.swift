// Collections that hold a batch are emptied and refilled with every batch. Batches of a backlog are
// a thousand times larger than those of quiet days: their memory is kept during the backlog only.

/// Whether to keep this batch's memory for the next one.
@usableFromInline
func isWorthKeeping(count: Int, capacity: Int) -> Bool {
  capacity <= max(1_024, 4 * count)
}

extension Array {
  /// Empties the array for the next batch. Keeps its memory unless this batch used only a fraction
  /// of it.
  @inlinable
  package mutating func removeAllOfBatch() {
    removeAll(keepingCapacity: isWorthKeeping(count: count, capacity: capacity))
  }
}

extension Dictionary {
  /// Empties the dictionary for the next batch. Keeps its memory unless this batch used only a
  /// fraction of it.
  @inlinable
  package mutating func removeAllOfBatch() {
    removeAll(keepingCapacity: isWorthKeeping(count: count, capacity: capacity))
  }
}
