/// What a histogram has counted.
struct HistogramValue: Hashable, Sendable {
  let bounds: [Double]
  /// Of each bucket alone; the last one has what is above all bounds.
  private(set) var counts: [Int64]
  private(set) var sum = 0.0

  init(_ bounds: [Double]) {
    self.bounds = bounds
    counts = [Int64](repeating: 0, count: bounds.count + 1)
  }

  mutating func observe(_ value: Double) {
    var bucket = 0
    while bucket < bounds.count, value > bounds[bucket] { bucket += 1 }
    counts[bucket] += 1
    sum += value
  }

  mutating func merge(_ more: [Int64], sum: Double) {
    precondition(more.count == counts.count, "another histogram's buckets")
    for bucket in counts.indices { counts[bucket] += more[bucket] }
    self.sum += sum
  }
}
