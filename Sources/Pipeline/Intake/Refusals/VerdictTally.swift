public import Ratings
public import Streams

/// Counts the verdicts of a batch.
public struct VerdictTally: Sendable {
  private var valid: Int64 = 0
  private var invalid: Int64 = 0
  private var oversized: Int64 = 0
  /// By the number of the rule, and of the coercion.
  private var failed = [Int64](repeating: 0, count: 64)
  private var coerced = [Int64](repeating: 0, count: 32)

  public init() {}

  @inline(__always)
  public mutating func count(failed: ExpectationSet, coerced: CoercionSet) {
    if failed.isEmpty { valid += 1 }
    if failed.isEmpty, coerced.isEmpty { return }
    add(failed, coerced)
  }

  /// Counts a rule that a valid event fails where it meets others: as a repeat, say.
  mutating func count(_ rule: Expectation) { failed[Int(rule.rawValue)] += 1 }

  /// Counts an invalid event that its dead letter has no room for.
  mutating func countOversized() { oversized += 1 }

  private mutating func add(_ failed: ExpectationSet, _ coerced: CoercionSet) {
    if !failed.isEmpty { invalid += 1 }
    for rule in failed { self.failed[Int(rule.rawValue)] += 1 }
    for coercion in coerced { self.coerced[Int(coercion.rawValue)] += 1 }
  }

  public mutating func removeAll() {
    for index in failed.indices { failed[index] = 0 }
    for index in coerced.indices { coerced[index] = 0 }
    (valid, invalid, oversized) = (0, 0, 0)
  }

  public var counts: VerdictCounts {
    var counts = VerdictCounts(valid: valid, invalid: invalid, oversized: oversized)
    for rule in Expectation.allCases where failed[Int(rule.rawValue)] > 0 {
      counts.failed[rule.name.description] = failed[Int(rule.rawValue)]
    }
    for coercion in Coercion.allCases where coerced[Int(coercion.rawValue)] > 0 {
      counts.coerced[coercion.name.description] = coerced[Int(coercion.rawValue)]
    }
    return counts
  }
}
