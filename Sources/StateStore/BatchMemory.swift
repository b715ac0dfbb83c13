// Collections that hold a batch are emptied and refilled with every batch. A backlog's batches are
// a thousand times larger than usual ones. Their memory is kept while they follow each other, not
// longer.

/// Whether to keep this batch's memory for the next one.
private func isWorthKeeping(count: Int, capacity: Int) -> Bool {
  capacity <= max(1_024, 4 * count)
}

extension Array {
  /// Empties the array for the next batch. Keeps its memory unless this batch used only a fraction
  /// of it.
  package mutating func removeAllOfBatch() {
    removeAll(keepingCapacity: isWorthKeeping(count: count, capacity: capacity))
  }
}

extension Dictionary {
  /// Empties the dictionary for the next batch. Keeps its memory unless this batch used only a
  /// fraction of it.
  package mutating func removeAllOfBatch() {
    removeAll(keepingCapacity: isWorthKeeping(count: count, capacity: capacity))
  }
}
