import Testing

@testable import RedisProjection

/// "0a 0b" or "0a0b" as bytes.
func hex(_ text: String) -> [UInt8] {
  let digits = text.filter { !$0.isWhitespace }.compactMap(\.hexDigitValue)
  return stride(from: 0, to: digits.count, by: 2).map { UInt8(digits[$0] << 4 | digits[$0 + 1]) }
}

@Suite struct FeastFormatTests {
  private func key(_ key: FeastKey, _ values: [EntityValue]) -> [UInt8] {
    var bytes: [UInt8] = []
    key.append(values, to: &bytes)
    return bytes
  }

  private func serialized(_ value: FeastValue) -> [UInt8] {
    var bytes: [UInt8] = []
    value.append(to: &bytes)
    return bytes
  }

  private func timestamp(_ milliseconds: Int64) -> [UInt8] {
    var bytes: [UInt8] = []
    FeastTimestamp.append(milliseconds: milliseconds, to: &bytes)
    return bytes
  }

  @Test func murmurVectors() {
    // "hello": Feast's check value; the others: SMHasher's published results.
    for (text, hash) in [("", 0), ("hello", 0x248b_fa47), ("hello, world", 0x149b_bb7f)]
      as [(String, UInt32)]
    {
      let bytes = Array(text.utf8)
      #expect(murmur3x86(bytes.span.bytes) == hash)
    }
    let fox = Array("The quick brown fox jumps over the lazy dog".utf8)
    #expect(murmur3x86(fox.span.bytes, seed: 0x9747_b28c) == 0x2fa8_26cd)
    let four: [UInt8] = [0x21, 0x43, 0x65, 0x87]
    #expect(murmur3x86(four.span.bytes) == 0xf55b_516b)
    #expect(murmur3x86(four.span.bytes, seed: 0x5082_edee) == 0x2362_f9de)
    #expect(murmur3x86(hex("21 43 65").span.bytes) == 0x7e4a_8634)
    #expect(murmur3x86(hex("21").span.bytes) == 0x7266_1cf4)
  }

  @Test func fieldsOfFeatures() {
    let user = FeastView("user_stats", features: ["rating_count", "rating_mean"])
    #expect(user.fields == [hex("e1 b4 47 f8"), hex("3a fa 0e 4c")])
    #expect(user.timestampField == Array("_ts:user_stats".utf8))
    let driver = FeastView("driver_hourly_stats", features: ["conv_rate"])
    #expect(driver.fields == [hex("61 60 e3 da")])
  }

  @Test func keysOfOneEntity() {
    let v2 = FeastKey(project: "movies", joinKeys: ["user_id"], version: .v2)
    #expect(
      key(v2, [.int64(42)])
        == hex("02000000 757365725f6964 04000000 08000000 2a00000000000000 6d6f76696573"))
    let v3 = FeastKey(project: "movies", joinKeys: ["user_id"])
    let expected = hex(
      "01000000 02000000 07000000 757365725f6964 04000000 08000000 2a00000000000000 6d6f76696573")
    #expect(key(v3, [.int64(42)]) == expected)
    var bytes: [UInt8] = [9]
    v3.append(42, to: &bytes)
    #expect(bytes == [9] + expected)
  }

  @Test func keyOfSeveralJoinKeysIsSortedByName() {
    let expected = hex(
      """
      02000000 02000000 08000000 6d6f7669655f6964 02000000 07000000 757365725f6964
      04000000 08000000 0700000000000000 04000000 08000000 2a00000000000000 6d6f76696573
      """)
    let forward = FeastKey(project: "movies", joinKeys: ["movie_id", "user_id"])
    #expect(key(forward, [.int64(7), .int64(42)]) == expected)
    let backward = FeastKey(project: "movies", joinKeys: ["user_id", "movie_id"])
    #expect(key(backward, [.int64(42), .int64(7)]) == expected)
  }

  @Test func keyOfNoEntity() {
    let dummy = FeastKey(project: "movies", joinKeys: ["__dummy_id"])
    let expected = hex(
      "01000000 02000000 0a000000 5f5f64756d6d795f6964 02000000 00000000 6d6f76696573")
    #expect(key(dummy, [.string("")]) == expected)
    var bytes: [UInt8] = []
    dummy.append("", to: &bytes)
    #expect(bytes == expected)
  }

  static let values: [(FeastValue, String)] = [
    (.string("drama"), "12 05 64 72 61 6d 61"),
    (.bytes([0, 255]), "0a 02 00 ff"),
    (.int64(17), "20 11"),
    (.int64(-1), "20 ff ff ff ff ff ff ff ff ff 01"),
    (.int64(0), "20 00"),
    (.int64(.min), "20 80 80 80 80 80 80 80 80 80 01"),
    (.int32(300), "18 ac 02"),
    (.int32(-1), "18 ff ff ff ff ff ff ff ff ff 01"),
    (.double(3.5), "29 00 00 00 00 00 00 0c 40"),
    (.double(0), "29 00 00 00 00 00 00 00 00"),
    (.float(3.5), "35 00 00 60 40"),
    (.bool(true), "38 01"),
    (.bool(false), "38 00"),
    (.unixTimestamp(1_700_000_000), "40 80 e2 cf aa 06"),
    (.string(""), "12 00"),
  ]

  @Test(arguments: values)
  func valuesBothWays(value: FeastValue, bytes: String) {
    #expect(serialized(value) == hex(bytes))
    #expect(FeastValue(serialized: hex(bytes).span.bytes) == value)
  }

  @Test(arguments: [
    "", "20", "20 ff", "12 05 64", "29 00", "35 00 00", "62 07 0a 01 61 0a 02 62 63", "20 11 00",
    "20 ff ff ff ff ff ff ff ff ff ff 01", "12 ff ff ff ff ff ff ff ff ff 01", "25 00 00 00 00",
  ])
  func malformedValuesAreMissing(bytes: String) {
    #expect(FeastValue(serialized: hex(bytes).span.bytes) == nil)
  }

  @Test func timestampsBothWays() {
    #expect(timestamp(1_700_000_000_250) == hex("08 80 e2 cf aa 06 10 80 e5 9a 77"))
    #expect(timestamp(0).isEmpty)
    // Half a second before 1970: second -1 and half a second forward.
    #expect(timestamp(-500) == hex("08 ff ff ff ff ff ff ff ff ff 01 10 80 ca b5 ee 01"))
    for milliseconds in [0, 1, 999, 1000, -1, -1000, -1001, 1_700_000_000_250] as [Int64] {
      #expect(
        FeastTimestamp.milliseconds(serialized: timestamp(milliseconds).span.bytes)
          == milliseconds)
    }
    #expect(FeastTimestamp.milliseconds(serialized: hex("08").span.bytes) == nil)
    #expect(FeastTimestamp.milliseconds(serialized: hex("1a 00").span.bytes) == nil)
  }

  @Test func fencesOrderAsTextAsTheirNumbersDo() {
    let numbers: [Int64] = [0, 1, 9, 10, 99, 1 << 53, (1 << 53) + 1, .max]
    let fences = ([0, 1, 2, 10, .max] as [UInt64]).flatMap { generation in
      numbers.map { Fence(generation: generation, offset: $0) }
    }
    let texts = fences.map { fence in
      var bytes: [UInt8] = []
      fence.append(to: &bytes)
      return bytes
    }
    #expect(Set(texts.map(\.count)) == [Fence.byteCount])
    for index in 1..<fences.count {
      #expect(fences[index - 1] < fences[index])
      #expect(texts[index - 1].lexicographicallyPrecedes(texts[index]))
    }
    #expect(texts.map { Fence(serialized: $0.span.bytes) } == fences)
    #expect(Fence(serialized: Array("7".utf8).span.bytes) == nil)
  }
}
