import Testing

@testable import Pipeline

@Suite struct StoreKeyTests {
  private static let samples: [Int64] = [
    0, 1, 2, 255, 256, 65_535, 65_536, 1 << 24, (1 << 32) - 1, 1 << 32, 1 << 56, .max - 1, .max,
  ]

  private func bytes(_ key: consuming StoreKey) -> [UInt8] {
    key.span.withUnsafeBytes { [UInt8]($0) }
  }

  @Test func keysReadBackAsWritten() {
    for first in Self.samples {
      #expect(StoreKey.decode(bytes(StoreKey(first)).span.bytes) == first)
      for second in Self.samples {
        let pair = StoreKey.decodePair(bytes(StoreKey(first, second)).span.bytes)
        #expect(pair?.first == first && pair?.second == second)
      }
    }
  }

  @Test func keysSortAsNumbers() {
    let keys = Self.samples.map { bytes(StoreKey($0)) }
    for (smaller, larger) in zip(keys, keys.dropFirst()) {
      #expect(smaller.lexicographicallyPrecedes(larger))
    }
    var pairs: [[UInt8]] = []
    for first in Self.samples {
      for second in Self.samples { pairs.append(bytes(StoreKey(first, second))) }
    }
    for (smaller, larger) in zip(pairs, pairs.dropFirst()) {
      #expect(smaller.lexicographicallyPrecedes(larger))
    }
  }

  @Test func noIdentifierIsThePrefixOfAnother() {
    for a in Self.samples {
      for b in Self.samples where a != b {
        #expect(!bytes(StoreKey(b)).starts(with: bytes(StoreKey(a))))
      }
    }
  }

  @Test(
    arguments: [
      [], [1], [9, 0, 0, 0, 0, 0, 0, 0, 0, 0], [2, 1], [1, 1, 1], [0, 0, 0],
    ] as [[UInt8]])
  func otherBytesAreNoKey(_ bytes: [UInt8]) {
    #expect(StoreKey.decode(bytes.span.bytes) == nil)
  }

  @Test func sourcePositionsReadBack() throws {
    for value in Self.samples + [-1, .min] {
      let position = SourcePosition(offset: value, timestamp: ~value)
      let stored = position.encoded
      #expect(try SourcePosition(decoding: stored.span.bytes) == position)
    }
    let short: [UInt8] = [1, 2, 3]
    #expect(throws: SourcePosition.UnknownFormat.self) {
      try SourcePosition(decoding: short.span.bytes)
    }
  }

  @Test(
    arguments: [
      ("0", 0), ("7", 7), ("100", 100), ("9223372036854775807", Int64.max),
    ] as [(String, Int64)])
  func decimalTextIsRead(_ text: String, _ number: Int64) {
    let bytes = Array(text.utf8)
    #expect(DecimalText.parse(bytes.span.bytes) == number)
  }

  @Test(arguments: [
    "", "-1", "+1", " 1", "1 ", "1.0", "x", "9223372036854775808", "00000000000000000001",
  ])
  func otherTextIsNoIdentifier(_ text: String) {
    let bytes = Array(text.utf8)
    #expect(DecimalText.parse(bytes.span.bytes) == nil)
  }
}
