/// How old records were when their batch was committed, by buckets that are the same everywhere.
public struct AgeHistogram: Hashable, Sendable {
  /// The buckets' upper bounds in milliseconds; one more bucket has none.
  public static let bounds: [Int64] = [
    1, 2, 5, 10, 20, 50, 100, 200, 500, 1_000, 2_000, 5_000, 10_000, 30_000, 60_000, 300_000,
    3_600_000,
  ]

  /// Of each bucket alone; empty if there is nothing to count.
  public private(set) var counts: [Int64] = []
  /// Of all ages, in milliseconds.
  public private(set) var sum: Int64 = 0

  public init() {}

  /// - Returns: `nil` for counts of other buckets.
  public init?(counts: [Int64], sum: Int64) {
    guard counts.isEmpty || counts.count == Self.bounds.count + 1 else { return nil }
    self.counts = counts
    self.sum = sum
  }

  public var isEmpty: Bool { counts.isEmpty }
  public var count: Int64 { counts.reduce(0, +) }

  /// Counts so many records of one age in milliseconds. A clock may be behind that of a record's
  /// producer: such records are new.
  mutating func add(_ count: Int64, of age: Int64) {
    if counts.isEmpty { counts = [Int64](repeating: 0, count: Self.bounds.count + 1) }
    // Without a branch that depends on the age: old and new ones mix.
    var bucket = 0
    for bound in Self.bounds { bucket &+= age > bound ? 1 : 0 }
    counts[bucket] += count
    sum += count * max(0, age)
  }
}
