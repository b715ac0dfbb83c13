/// The highest of many scores: a heap whose root is the worst kept. Scores arrive in rising order of
/// rows; the earlier of equal ones stays. NaN and negative infinity are never kept.
struct Selection: Sendable {
  /// The matrix product rounds in an order of its own, so a few more are kept than are wanted.
  private static let spare = 8

  private struct Entry {
    var score: Float
    var row: Int32

    /// Whether this one goes before that one.
    func isWorse(than other: Entry) -> Bool {
      score != other.score ? score < other.score : row > other.row
    }
  }

  private var heap: [Entry] = []
  private var capacity = 0
  /// A score must be above it to be kept.
  private var threshold = -Float.infinity

  mutating func begin(count: Int) {
    heap.removeAll(keepingCapacity: true)
    capacity = count + Self.spare
    threshold = -.infinity
  }

  /// The rows kept, in no order.
  var rows: some Sequence<Int> { heap.lazy.map { Int($0.row) } }

  /// Sees the scores of consecutive rows.
  ///
  /// - Parameter allowed: leaves out every other row.
  mutating func take(_ scores: Span<Float>, firstRow: Int, allowed: RowSet?) {
    scores.withUnsafeBufferPointer { scores in
      guard let start = scores.baseAddress else { return }
      let width = 32
      var index = 0
      while index + width <= scores.count {
        // Nearly all of them end here: four vectors a step.
        if Self.mayExceed(threshold, start + index) {
          for offset in index..<index + width {
            offer(start[offset], row: firstRow + offset, allowed)
          }
        }
        index += width
      }
      for offset in index..<scores.count { offer(start[offset], row: firstRow + offset, allowed) }
    }
  }

  /// Whether any of 32 scores is above a threshold.
  private static func mayExceed(_ threshold: Float, _ scores: UnsafePointer<Float>) -> Bool {
    let raw = UnsafeRawPointer(scores)
    let limit = SIMD8<Float>(repeating: threshold)
    let a = raw.loadUnaligned(fromByteOffset: 0, as: SIMD8<Float>.self) .> limit
    let b = raw.loadUnaligned(fromByteOffset: 32, as: SIMD8<Float>.self) .> limit
    let c = raw.loadUnaligned(fromByteOffset: 64, as: SIMD8<Float>.self) .> limit
    let d = raw.loadUnaligned(fromByteOffset: 96, as: SIMD8<Float>.self) .> limit
    return any((a .| b) .| (c .| d))
  }

  private mutating func offer(_ score: Float, row: Int, _ allowed: RowSet?) {
    guard score > threshold else { return }
    if let allowed, !allowed.contains(row) { return }
    let entry = Entry(score: score, row: Int32(row))
    if heap.count < capacity {
      heap.append(entry)
      siftUp()
    } else {
      heap[0] = entry
      siftDown()
    }
    if heap.count == capacity { threshold = heap[0].score }
  }

  private mutating func siftUp() {
    var child = heap.count - 1
    while child > 0 {
      let parent = (child - 1) / 2
      guard heap[child].isWorse(than: heap[parent]) else { return }
      heap.swapAt(child, parent)
      child = parent
    }
  }

  private mutating func siftDown() {
    var parent = 0
    while true {
      var worst = parent
      let left = 2 * parent + 1
      if left < heap.count, heap[left].isWorse(than: heap[worst]) { worst = left }
      if left + 1 < heap.count, heap[left + 1].isWorse(than: heap[worst]) { worst = left + 1 }
      guard worst != parent else { return }
      heap.swapAt(parent, worst)
      parent = worst
    }
  }
}
