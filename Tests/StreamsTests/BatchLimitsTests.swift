import EventLog
import Simulation
import Testing

@testable import Streams

struct BatchLimitsTests {
  struct Case: Sendable {
    var records: Int
    var bytes: Int
    var age: Duration
    /// How long the input has been dry; nil while it brings records.
    var dry: Duration?
    /// How long ago the last flood was.
    var flood = Duration.zero
    var closes: Bool
  }

  static let cases = [
    Case(records: 0, bytes: 0, age: .zero, dry: nil, closes: false),
    Case(records: 9, bytes: 999, age: .milliseconds(999), dry: nil, closes: false),
    Case(records: 10, bytes: 0, age: .zero, dry: nil, closes: true),
    Case(records: 11, bytes: 0, age: .zero, dry: nil, closes: true),
    Case(records: 1, bytes: 1_000, age: .zero, dry: nil, closes: true),
    Case(records: 1, bytes: 0, age: .seconds(1), dry: nil, closes: true),
    Case(records: 0, bytes: 0, age: .seconds(1), dry: nil, closes: true),
    Case(records: 4, bytes: 0, age: .zero, dry: .zero, closes: true),
    Case(records: 5, bytes: 0, age: .zero, dry: .zero, flood: .milliseconds(99), closes: false),
    Case(
      records: 9, bytes: 0, age: .milliseconds(999), dry: .zero, flood: .milliseconds(99),
      closes: false),
    Case(records: 9, bytes: 0, age: .seconds(1), dry: .zero, closes: true),
    Case(
      records: 9, bytes: 0, age: .milliseconds(200), dry: .zero, flood: .milliseconds(100),
      closes: true),
    Case(records: 9, bytes: 0, age: .zero, dry: nil, flood: .seconds(9), closes: false),
  ]

  @Test(arguments: cases)
  func closes(at point: Case) {
    let limits = BatchLimits(
      records: 10, bytes: 1_000, time: .seconds(1), busyRecords: 5,
      pause: .milliseconds(100))
    let closes = limits.closes(
      records: point.records, bytes: point.bytes, age: point.age, dry: point.dry,
      sinceFlood: point.flood, backlog: nil)
    #expect(closes == point.closes)
  }

  /// Who knows the stages before it neither gives up a batch too early nor waits for nothing.
  @Test func theStagesBeforeTellWhetherToWait() {
    let limits = BatchLimits(
      records: 10, bytes: 1_000, time: .seconds(1), busyRecords: 5, pause: .milliseconds(100))
    func closes(
      _ records: Int, age: Duration, dry: Duration, flood: Duration = .zero, _ backlog: Bool
    ) -> Bool {
      limits.closes(
        records: records, bytes: 0, age: age, dry: dry, sinceFlood: flood, backlog: backlog)
    }
    #expect(!closes(9, age: .milliseconds(999), dry: .milliseconds(900), true))
    #expect(closes(9, age: .seconds(1), dry: .milliseconds(900), true))
    #expect(!closes(9, age: .milliseconds(50), dry: .milliseconds(9), false))
    #expect(closes(9, age: .milliseconds(50), dry: .milliseconds(10), false))
    // A trickle that is never dry for long.
    #expect(closes(9, age: .milliseconds(50), dry: .zero, flood: .milliseconds(100), false))
    for backlog in [true, false] {
      #expect(closes(4, age: .zero, dry: .zero, backlog), "a small batch waits for nobody")
    }
  }

  /// A lingering batch that is not large ends in time even if its input is never dry.
  @Test func aTrickleThatNeverEndsKeepsNoBatchOpen() {
    let limits = BatchLimits(records: 100, busyRecords: 50, linger: .milliseconds(20))
    func closes(_ records: Int, age: Int) -> Bool {
      limits.closes(
        records: records, bytes: 0, age: .milliseconds(age), dry: nil, sinceFlood: .seconds(9),
        backlog: nil)
    }
    #expect(!closes(20, age: 19))
    #expect(closes(20, age: 20))
    #expect(!closes(50, age: 20), "a large batch goes on")
  }

  /// Waiting for less would ask again for nothing; for more would keep the batch open too long.
  @Test(
    arguments: [
      (0, 0, nil), (30, 40, nil), (200, 0, nil), (200, 150, nil), (0, 40, true), (0, 0, false),
    ],
    [1, 4, 5, 9])
  func patienceEndsWhenTheDryBatchCloses(
    times: (linger: Int, flood: Int, backlog: Bool?), records: Int
  ) {
    let (linger, flood, backlog) = times
    let limits = BatchLimits(
      records: 10, bytes: 1_000, time: .seconds(1), busyRecords: 5, pause: .milliseconds(100),
      linger: .milliseconds(linger))
    for age in stride(from: 0, through: 1_100, by: 10) {
      for dry in stride(from: 0, through: min(age, 200), by: 10) {
        func closes(after wait: Duration) -> Bool {
          limits.closes(
            records: records, bytes: 0, age: .milliseconds(age) + wait,
            dry: .milliseconds(dry) + wait,
            sinceFlood: .milliseconds(dry + flood) + wait, backlog: backlog)
        }
        let patience = limits.patience(
          records: records, age: .milliseconds(age), dry: .milliseconds(dry),
          sinceFlood: .milliseconds(dry + flood), backlog: backlog)
        #expect(closes(after: patience))
        #expect(patience <= .zero || !closes(after: patience - .milliseconds(1)))
      }
    }
  }

  /// A stage that has caught up keeps up in small batches, however large the one before was.
  @Test func aTrickleBehindABacklogIsNoFlood() {
    let limits = BatchLimits(busyRecords: 100, pause: .milliseconds(250))
    let start = ContinuousClock.now
    var meter = ArrivalMeter(limits, now: start)
    #expect(start - meter.lastFlood >= limits.pause)
    for poll in 0..<50 { meter.count(200, at: start + .milliseconds(poll)) }
    let flood = meter.lastFlood
    #expect(flood == start + .milliseconds(49))
    for poll in 0..<500 { meter.count(10, at: flood + .milliseconds(10 * (poll + 1))) }
    #expect(meter.lastFlood == flood)
    #expect(meter.lastArrival == flood + .milliseconds(5_000))
  }

  @Test(arguments: [true, false])
  func aLargeBatchWaitsForTheStagesBefore(isBehind: Bool) throws {
    var world = World()
    world.limits = BatchLimits(records: 100, busyRecords: 4)
    let monitor = StageMonitor(stage: "before")
    let position = PartitionPosition(nextOffset: 0, endOffset: isBehind ? 40 : 39)
    monitor.sink.receive(
      EngineEvent(stage: "before", .positions([TopicPartition("raw", 0): position])))
    var run = World.Run()
    run.upstream = [monitor]
    let idle = Counter()
    let log = world.log
    let input = world.input(0)
    run.onIdle = {
      guard idle.next() == 1 else { return }
      for value in 8..<16 {
        #expect(throws: Never.self) {
          try log.append(to: input, key: "0-0".utf8Array, value: "\(value)".utf8Array)
        }
      }
    }
    try world.feed(0..<8)
    let result = world.run(run)
    #expect(result.status.records == 16)
    #expect(result.status.batches == (isBehind ? 1 : 2))
  }

  @Test func memoryIsReleasedWhenLargeBatchesAreOver() throws {
    var world = World()
    world.limits = BatchLimits(records: 50, busyRecords: 4, pause: .milliseconds(50))
    try world.feed(0..<90)
    var run = World.Run()
    let (idle, released) = (Counter(), Counter())
    let (log, input) = (world.log, world.input(0))
    run.releaseMemory = { _ = released.next() }
    run.onIdle = {
      let number = idle.next()
      // By then the large batches are committed, and what they held is still kept for the next.
      if number == 3 { #expect(released.value == 0) }
      guard number == 3 || number == 5 else { return }
      #expect(throws: Never.self) {
        try log.append(to: input, key: "0-0".utf8Array, value: "\(number)".utf8Array)
      }
    }
    run.idlePolls = 8
    let result = world.run(run)
    #expect(result.status.batches == 4)
    #expect(released.value == 1)
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
