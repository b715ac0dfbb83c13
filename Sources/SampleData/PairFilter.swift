import Recommender

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
