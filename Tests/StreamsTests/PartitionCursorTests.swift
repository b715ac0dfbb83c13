import Testing

@testable import EventLog

struct PartitionCursorTests {
  private let partition = TopicPartition("t", 0)

  private func cursor(_ start: Int64, _ end: Int64) -> PartitionCursor {
    PartitionCursor(partition, from: .at(start), to: end)
  }

  @Test func takesEachRecordBeforeTheEndOnce() {
    var cursor = cursor(3, 6)
    let taken = [2, 3, 3, 5, 5].map { cursor.take($0) }
    #expect(taken == [false, true, false, true, false])
    #expect(cursor.isAtEnd)
  }

  /// Compaction has left nothing right before the end.
  @Test func aRecordBehindTheEndTellsThatItIsReached() {
    var cursor = cursor(0, 6)
    let taken = [2, 9].map { cursor.take($0) }
    #expect(taken == [true, false])
    #expect(cursor.isAtEnd && cursor.next == 6)
  }

  /// A transaction's marker is right before the end.
  @Test func theLogTellsThatTheEndIsReached() {
    var cursor = cursor(0, 6)
    cursor.reach(5)
    #expect(!cursor.isAtEnd)
    cursor.reach(8)
    #expect(cursor.isAtEnd && cursor.next == 6)
    cursor.reach(2)
    #expect(cursor.next == 6)
  }

  @Test(arguments: [(0, 0), (4, 4), (7, 4)])
  func nothingIsReadWhereNothingIsWanted(start: Int64, end: Int64) {
    let cursor = cursor(start, end)
    #expect(cursor.isAtEnd && cursor.isFinished)
    #expect(cursor.total == 0 && cursor.passed == 0)
  }

  @Test func progressCountsOffsets() {
    var cursor = cursor(10, 20)
    #expect(cursor.total == 10 && cursor.passed == 0)
    _ = cursor.take(13)
    #expect(cursor.passed == 4)
    cursor.reach(30)
    #expect(cursor.passed == 10)
  }

  @Test func whatIsFollowedHasNoEnd() {
    var cursor = PartitionCursor(partition, from: .beginning)
    let isTaken = cursor.take(7)
    #expect(isTaken)
    cursor.reach(1_000_000)
    #expect(!cursor.isAtEnd && cursor.total == 0 && cursor.passed == 1_000_000)
  }

  @Test func anAbandonedPartitionIsFinishedWhereverItStands() {
    var cursor = cursor(0, 6)
    cursor.abandon()
    #expect(cursor.isFinished && !cursor.isAtEnd)
    let isTaken = cursor.take(0)
    #expect(!isTaken)
  }

  // MARK: Several

  @Test func aTableFindsCursorsByTopicAndPartition() {
    var table = CursorTable(
      [
        PartitionCursor(TopicPartition("b", 2), from: .at(0), to: 2),
        PartitionCursor(TopicPartition("a", 0), from: .at(5), to: 6),
        PartitionCursor(TopicPartition("b", 0), from: .at(4), to: 4),
      ], topics: ["a", "b"])
    #expect(table.unfinished == 2)
    let records: [(topic: Int, partition: Int32, offset: Int64)] = [
      (0, 2, 0), (1, 7, 0), (1, 0, 4), (1, 2, 0), (0, 0, 5),
    ]
    let numbers = records.map { record in
      withRun(topic: record.topic, partition: record.partition, offsets: [record.offset]) {
        table.take($0)?.number
      }
    }
    // Not read, unknown, nothing wanted, and two of which something is.
    #expect(numbers == [nil, nil, nil, 0, 1])
    #expect(table.unfinished == 1)
    table.reach([TopicPartition("b", 2): 2, TopicPartition("c", 0): 9])
    #expect(table.unfinished == 0)
    table.rewind(0, to: 1)
    #expect(table.unfinished == 1)
    table.abandon(0)
    table.abandon(0)
    #expect(table.unfinished == 0)
  }

  @Test func aTableCutsRunsToWhatIsWanted() {
    var table = CursorTable([PartitionCursor(partition, from: .at(5), to: 9)], topics: ["t"])
    func take(_ offsets: [Int64]) -> Range<Int>? {
      withRun(topic: 0, partition: 0, offsets: offsets) { table.take($0)?.wanted }
    }
    #expect(take([1, 3, 4]) == nil)
    #expect(take([4, 5, 6]) == 1..<3)
    #expect(table.cursors[0].next == 7)
    #expect(take([6, 8, 9, 12]) == 1..<2)
    #expect(table.cursors[0].isAtEnd && table.unfinished == 0)
    #expect(take([13]) == nil)
  }

  // MARK: What is there

  @Test func offsetsThatAreMissingAreTold() {
    let held: Range<Int64> = 10..<20
    #expect(MissingOffsets.of(from: 10, to: 20, in: held) == nil)
    #expect(MissingOffsets.of(from: 20, to: 20, in: held) == nil)
    #expect(MissingOffsets.of(from: 9, to: 20, in: held) == .beginning(10))
    #expect(MissingOffsets.of(from: 10, to: 21, in: held) == .end(20))
    #expect(MissingOffsets.of(from: 0, to: 30, in: held) == .beginning(10))
    #expect(MissingOffsets.of(from: 0, to: 0, in: 0..<0) == nil)
  }
}

/// Hands a run of records without keys and values to `body`.
private func withRun<R>(
  topic: Int, partition: Int32, offsets: [Int64], _ body: (borrowing RecordRun) -> R
) -> R {
  let places = offsets.map { offset in
    RecordRun.Place(
      offset: offset, timestamp: 0, key: nil, value: nil,
      record: UnsafeRawPointer(bitPattern: 8).unsafelyUnwrapped)
  }
  return body(
    RecordRun(topic: topic, partition: partition, places: places.span, copyHeaders: { _ in [] }))
}
