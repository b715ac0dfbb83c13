// What holds a batch is emptied and filled again with every batch. A backlog's batches are a thousand
// times those of quiet days: their memory is kept while they follow each other, and not for ever.

/// Whether what was used for this batch should be kept for the next one.
private func isWorthKeeping(count: Int, capacity: Int) -> Bool {
  capacity <= max(1_024, 4 * count)
}

extension Array {
  /// Empties the array for the next batch. Keeps its memory unless it is far more than this batch has
  /// used.
  package mutating func removeAllOfBatch() {
    removeAll(keepingCapacity: isWorthKeeping(count: count, capacity: capacity))
  }
}

extension Dictionary {
  /// Empties the dictionary for the next batch. Keeps its memory unless it is far more than this batch
  /// has used.
  package mutating func removeAllOfBatch() {
    removeAll(keepingCapacity: isWorthKeeping(count: count, capacity: capacity))
  }
}
