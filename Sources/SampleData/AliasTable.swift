/// Draws an index with given weights in constant time. Source: Walker's alias method as built by
/// Vose, "A linear algorithm for generating random numbers with a given distribution", 1991.
struct AliasTable: Sendable {
  private struct Slot {
    /// Of 2^32: how often the slot's own index is the answer.
    var threshold: UInt32
    var alias: UInt32
  }

  private var slots: [Slot]

  /// - Parameter weights: at least one and at most 2^31, not negative, with a positive sum.
  init(weights: [Double]) {
    precondition(!weights.isEmpty && weights.count <= 1 << 31)
    let scale = Double(weights.count) / weights.reduce(0, +)
    var scaled = weights.map { $0 * scale }
    slots = weights.indices.map { Slot(threshold: .max, alias: UInt32($0)) }
    var small = scaled.indices.filter { scaled[$0] < 1 }
    var large = scaled.indices.filter { scaled[$0] >= 1 }
    while let poor = small.popLast(), let rich = large.last {
      slots[poor] = Slot(threshold: UInt32(scaled[poor] * 0x1p32), alias: UInt32(rich))
      scaled[rich] -= 1 - scaled[poor]
      if scaled[rich] < 1 {
        large.removeLast()
        small.append(rich)
      }
    }
  }

  /// The index that 64 random bits stand for.
  func index(of random: UInt64) -> Int {
    let (high, low) = random.multipliedFullWidth(by: UInt64(slots.count))
    let slot = slots[Int(high)]
    return UInt32(truncatingIfNeeded: low >> 32) <= slot.threshold ? Int(high) : Int(slot.alias)
  }
}
