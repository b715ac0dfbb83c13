import Codecs

/// Tells whether a user has certainly said nothing of a movie: a Bloom filter (Bloom 1970) of 256
/// bits with two hashes.
///
/// Most ratings are of movies new to their users, and reading the state for each costs more than
/// the rest of its fold. With 20 movies the filter lets 2 % of the new ones through, with 70 18 %;
/// for the few users with hundreds it lets all through, which costs one read each. A movie whose
/// rating is taken back is in the filter as well, for its row is kept.
struct MovieFilter: Hashable, Sendable {
  private var words = InlineArray<4, UInt64>(repeating: 0)

  /// Notes the movie as rated or taken back.
  mutating func insert(_ movie: Int64) {
    let (first, second) = Self.bits(of: movie)
    words[first >> 6] |= 1 << UInt64(first & 63)
    words[second >> 6] |= 1 << UInt64(second & 63)
  }

  /// Whether the movie may have been rated; false is certain.
  func mayContain(_ movie: Int64) -> Bool {
    let (first, second) = Self.bits(of: movie)
    return words[first >> 6] & (1 << UInt64(first & 63)) != 0
      && words[second >> 6] & (1 << UInt64(second & 63)) != 0
  }

  /// Two 8-bit numbers from the finalizer of SplitMix64 (Steele et al. 2014), which is part of the
  /// stored format.
  private static func bits(of movie: Int64) -> (Int, Int) {
    var hash = UInt64(bitPattern: movie) &+ 0x9E37_79B9_7F4A_7C15
    hash = (hash ^ (hash >> 30)) &* 0xBF58_476D_1CE4_E5B9
    hash = (hash ^ (hash >> 27)) &* 0x94D0_49BB_1331_11EB
    hash ^= hash >> 31
    return (Int(hash & 255), Int((hash >> 8) & 255))
  }

  static func == (a: MovieFilter, b: MovieFilter) -> Bool {
    a.words.indices.allSatisfy { a.words[$0] == b.words[$0] }
  }

  func hash(into hasher: inout Hasher) {
    for index in words.indices { hasher.combine(words[index]) }
  }

  // Layout: one byte with a bit for each word that is not zero, then those words, little-endian.
  static let maximumEncodedBytes = 1 + 32

  func encode(into bytes: inout ByteWriter) {
    var mask: UInt8 = 0
    for index in words.indices where words[index] != 0 { mask |= 1 << UInt8(index) }
    bytes.byte(mask)
    for index in words.indices where words[index] != 0 { bytes.word(words[index]) }
  }

  init() {}

  init(from reader: inout ByteReader) throws(CodecError) {
    let mask = try reader.byte()
    guard mask < 16 else { throw CodecError("the filter has more than four words") }
    for index in words.indices where mask & (1 << UInt8(index)) != 0 {
      words[index] = try reader.word()
    }
  }
}
