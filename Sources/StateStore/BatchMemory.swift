// Collections that hold a batch are emptied and refilled with every batch. Batches of a backlog are a
// thousand times larger than those of quiet days: their memory is kept during the backlog only.

/// Whether what was used for this batch should be kept for the next one.
@usableFromInline
func isWorthKeeping(count: Int, capacity: Int) -> Bool {
  capacity <= max(1_024, 4 * count)
}

extension Array {
  /// Empties the array for the next batch. Keeps its memory unless it is far more than this batch has
  /// used.
  @inlinable
  package mutating func removeAllOfBatch() {
    removeAll(keepingCapacity: isWorthKeeping(count: count, capacity: capacity))
  }
}

extension Dictionary {
  /// Empties the dictionary for the next batch. Keeps its memory unless it is far more than this batch
  /// has used.
  @inlinable
  package mutating func removeAllOfBatch() {
    removeAll(keepingCapacity: isWorthKeeping(count: count, capacity: capacity))
  }
}
