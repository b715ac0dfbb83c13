import Glibc

/// SplitMix64: the same numbers from the same seed, everywhere. Source: Steele, Lea and Flood,
/// "Fast Splittable Pseudorandom Number Generators", OOPSLA 2014.
struct SeededRandom: RandomNumberGenerator, Sendable {
  private var state: UInt64

  init(seed: UInt64) {
    state = seed
  }

  mutating func next() -> UInt64 {
    state &+= 0x9E37_79B9_7F4A_7C15
    var z = state
    z = (z ^ (z >> 30)) &* 0xBF58_476D_1CE4_E5B9
    z = (z ^ (z >> 27)) &* 0x94D0_49BB_1331_11EB
    return z ^ (z >> 31)
  }

  /// Uniform over 0..<bound. Biased by less than bound / 2^64.
  mutating func below(_ bound: Int) -> Int {
    Int(next().multipliedFullWidth(by: UInt64(bound)).high)
  }

  /// Uniform over (0, 1].
  mutating func unit() -> Double {
    Double((next() >> 11) + 1) * 0x1p-53
  }

  /// Standard normal, by Box and Muller's transform.
  mutating func normal() -> Double {
    (-2 * log(unit())).squareRoot() * cos(2 * .pi * unit())
  }
}

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

/// Which pairs have been drawn, roughly: one bit a pair. It never forgets one, and takes about one
/// in `bitsPerPair` for drawn that was not.
struct PairFilter: Sendable {
  private static let bitsPerPair = 16
  private var words: [UInt64]
  private let mask: UInt64

  /// - Parameter expectedPairs: sizes the filter; up to 2^32 bits (512 MB).
  init(expectedPairs: Int) {
    let bits = min(max(expectedPairs, 1) * Self.bitsPerPair, 1 << 32)
    let power = max(6, Int.bitWidth - (bits - 1).leadingZeroBitCount)
    words = Array(repeating: 0, count: 1 << (power - 6))
    mask = (1 << power) - 1
  }

  /// - Returns: whether the pair is new.
  mutating func insert(_ pair: UInt64) -> Bool {
    var hash = SeededRandom(seed: pair)
    let bit = hash.next() & mask
    let flag: UInt64 = 1 << (bit & 63)
    let index = Int(bit >> 6)
    guard words[index] & flag == 0 else { return false }
    words[index] |= flag
    return true
  }
}
