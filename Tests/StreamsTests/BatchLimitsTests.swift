import EventLog
import Testing

@testable import Streams

struct BatchLimitsTests {
  struct Case: Sendable {
    var records: Int
    var bytes: Int
    var age: Duration
    var isDry: Bool
    var closes: Bool
  }

  static let cases = [
    Case(records: 0, bytes: 0, age: .zero, isDry: false, closes: false),
    Case(records: 9, bytes: 999, age: .milliseconds(999), isDry: false, closes: false),
    Case(records: 10, bytes: 0, age: .zero, isDry: false, closes: true),
    Case(records: 11, bytes: 0, age: .zero, isDry: false, closes: true),
    Case(records: 1, bytes: 1_000, age: .zero, isDry: false, closes: true),
    Case(records: 1, bytes: 0, age: .seconds(1), isDry: false, closes: true),
    Case(records: 0, bytes: 0, age: .seconds(1), isDry: false, closes: true),
    Case(records: 4, bytes: 0, age: .zero, isDry: true, closes: true),
    Case(records: 5, bytes: 0, age: .zero, isDry: true, closes: false),
    Case(records: 9, bytes: 0, age: .milliseconds(999), isDry: true, closes: false),
    Case(records: 9, bytes: 0, age: .seconds(1), isDry: true, closes: true),
  ]

  @Test(arguments: cases)
  func closes(at point: Case) {
    let limits = BatchLimits(records: 10, bytes: 1_000, time: .seconds(1), busyRecords: 5)
    let closes = limits.closes(
      records: point.records, bytes: point.bytes, age: point.age, isDry: point.isDry)
    #expect(closes == point.closes)
  }

  @Test func noBatchIsLargerThanItsLimit() throws {
    var world = World()
    world.limits = BatchLimits(records: 3)
    try world.feed(0..<10)
    #expect(world.run().status.batches == 4)
  }
}

struct PositionTests {
  @Test(arguments: [0, 1, 255, 256, 1 << 40, Int64.max])
  func survivesEncoding(offset: Int64) throws {
    let encoded = Position(inputOffset: offset).encoded
    #expect(encoded.count == 9)
    #expect(encoded[0] == 1)
    #expect(try Position(decoding: encoded.span.bytes) == Position(inputOffset: offset))
  }

  @Test func isBigEndian() {
    #expect(Position(inputOffset: 0x0102_0304).encoded == [1, 0, 0, 0, 0, 1, 2, 3, 4])
  }

  @Test(arguments: [[], [1], [1, 0, 0, 0, 0, 0, 0, 0], [2, 0, 0, 0, 0, 0, 0, 0, 0]] as [[UInt8]])
  func otherFormatsAreRefused(bytes: [UInt8]) {
    #expect(throws: StageError.self) { try Position(decoding: bytes.span.bytes) }
  }
}
