import EventLog
import Simulation
import Testing

struct PartitionReaderTests {
  private let log = MemoryLog()
  private let partition = TopicPartition("t", 0)

  init() { log.createTopic("t", partitions: 3) }

  private func feed(_ values: Range<UInt8>, partition: Int32 = 0) throws {
    for value in values {
      try log.append(to: TopicPartition("t", partition), key: [value], value: [value])
    }
  }

  /// Writes values in one transaction of an own producer.
  private func transaction(
    _ values: Range<UInt8>, id: String = "p", end: (MemoryProducer) throws -> Void
  ) throws {
    let producer = try log.makeProducer(
      ProducerConfiguration(topics: ["t"], delivery: .transactional(id: id), clientID: id))
    try producer.beginTransaction()
    for value in values {
      let bytes = [value]
      try producer.send(
        topic: 0, partition: 0, key: bytes.span.bytes, value: bytes.span.bytes, headers: [],
        timestamp: nil, tracked: false)
    }
    try end(producer)
  }

  private func commit(_ producer: MemoryProducer) throws {
    let consumer = try log.makeConsumer(
      ConsumerConfiguration(topics: ["t"], group: nil, clientID: "c"))
    try producer.commitTransaction(offsets: [:], of: consumer, timeout: .zero)
  }

  private func makeReader(
    readCommitted: Bool = true, _ process: SimulatedProcess = SimulatedProcess()
  ) throws(LogError) -> PartitionReader<MemoryConsumer> {
    try PartitionReader(
      log.connected(process),
      ConsumerConfiguration(
        topics: ["t"], group: nil, clientID: "r", readCommitted: readCommitted))
  }

  /// Reads partition 0; a process that polls too often dies.
  private func read(
    from start: Int64 = 0, to end: Int64? = nil, readCommitted: Bool = true,
    patience: Duration? = nil, maxFetchRecords: Int = .max
  ) throws -> (values: [UInt8], cursor: PartitionCursor) {
    let process = SimulatedProcess(
      maxFetchRecords: maxFetchRecords,
      faults: { $0.effect == .poll && $0.number >= 200 ? .die : nil })
    var reader = try makeReader(readCommitted: readCommitted, process)
    let end = try end ?? log.offsets(of: partition).upperBound
    try reader.begin([PartitionCursor(partition, from: .at(start), to: end)])
    var values: [UInt8] = []
    try reader.readToEnd(patience: patience) { _, record in
      if let value = record.value { values.append(value.unsafeLoad(as: UInt8.self)) }
      return true
    }
    return (values, reader.cursors[0])
  }

  // MARK: Ends

  @Test(arguments: [1, 3, .max])
  func readsUpToTheEndAndNoFurther(maxFetchRecords: Int) throws {
    try feed(0..<20)
    let (values, cursor) = try read(from: 5, to: 15, maxFetchRecords: maxFetchRecords)
    #expect(values == Array(5..<15))
    #expect(cursor.isAtEnd && cursor.next == 15)
  }

  @Test func anEmptyPartitionIsAtItsEnd() throws {
    #expect(try read().values == [])
  }

  @Test func aStartBeyondTheEndReadsNothing() throws {
    try feed(0..<4)
    #expect(try read(from: 3, to: 2).values == [])
  }

  @Test func aTransactionsMarkerMayBeTheEnd() throws {
    try transaction(0..<3, end: commit)
    #expect(try log.offsets(of: partition) == 0..<4)
    #expect(try read().values == [0, 1, 2])
    #expect(try read(from: 3).values == [], "nothing but the marker")
  }

  @Test func anAbortedTransactionIsSkippedByReadersOfCommittedRecords() throws {
    try feed(0..<2)
    try transaction(2..<5) { try $0.abortTransaction(timeout: .zero) }
    #expect(try read().values == [0, 1])
    #expect(try read(readCommitted: false).values == [0, 1, 2, 3, 4])
  }

  @Test func compactionMayLeaveNothingBeforeTheEnd() throws {
    try feed(0..<4)
    try feed(0..<4)
    // Only the newest of each key are left, and the last of them is not the end that is wanted.
    try log.compact(partition)
    #expect(try read(to: 4).values == [])
    #expect(try read(to: 6).values == [0, 1])
    #expect(try read().values == [0, 1, 2, 3])
    try log.append(to: partition, key: [3], value: nil)
    try log.compact(partition, keepsTombstones: false)
    #expect(try read().values == [0, 1, 2])
  }

  /// A former owner hangs with a transaction open.
  @Test func anOpenTransactionOfSomebodyElseIsWaitedFor() throws {
    try feed(0..<2)
    try transaction(2..<4, id: "hung") { _ in }
    try transaction(4..<6, end: commit)
    let end = try log.offsets(of: partition).upperBound
    #expect(try read(readCommitted: false).values == [0, 1, 2, 3, 4, 5])
    let error = #expect(throws: LogError.self) { try read(patience: .seconds(1)) }
    #expect(error?.code == .unavailable && error?.message.contains("t[0]") == true)

    let polls = Counter()
    let process = SimulatedProcess(onIdle: { [log] _ in
      if polls.next() == 3 { log.expireTransaction("hung") }
    })
    var reader = try makeReader(process)
    try reader.begin([PartitionCursor(partition, from: .at(0), to: end)])
    var values: [UInt8] = []
    try reader.readToEnd { _, record in
      if let value = record.value { values.append(value.unsafeLoad(as: UInt8.self)) }
      return true
    }
    #expect(values == [0, 1, 4, 5] && polls.value >= 3)
  }

  /// A partition without a leader brings nothing, and says nothing.
  @Test func patienceCountsSilenceOnly() throws {
    try feed(0..<20)
    let process = SimulatedProcess(
      maxFetchRecords: 1, faults: { $0.effect == .poll && $0.number % 3 != 0 ? .silence : nil })
    var reader = try makeReader(process)
    try reader.begin([PartitionCursor(partition, from: .at(0), to: 20)])
    var records = 0
    try reader.readToEnd(patience: .milliseconds(300)) { _, _ in
      records += 1
      return true
    }
    #expect(records == 20)
    try reader.begin([PartitionCursor(partition, from: .at(0), to: 20)])
    let error = #expect(throws: LogError.self) {
      try reader.readToEnd(patience: .milliseconds(200)) { _, _ in true }
    }
    #expect(error?.reaction == .retry)
  }

  @Test func deletedRecordsFailThePoll() throws {
    try feed(0..<10)
    var reader = try makeReader()
    try reader.begin([PartitionCursor(partition, from: .at(2), to: 10)])
    try log.truncate(partition, before: 5)
    let error = #expect(throws: LogError.self) { try reader.poll { _, _ in true } }
    #expect(error?.code == .offsetOutOfRange)
  }

  // MARK: Several partitions

  @Test func partitionsAreReadSideBySideAndReleasedAtTheirEnds() throws {
    for partition in 0..<3 as Range<Int32> { try feed(0..<10, partition: partition) }
    let unassigned = Counter()
    let process = SimulatedProcess(
      maxFetchRecords: 4,
      onEffect: { moment, _ in if moment.effect == .unassign { _ = unassigned.next() } })
    var reader = try makeReader(process)
    try reader.begin([
      PartitionCursor(TopicPartition("t", 2), from: .at(0), to: 10),
      PartitionCursor(TopicPartition("t", 0), from: .at(8), to: 9),
      PartitionCursor(TopicPartition("t", 1), from: .at(3), to: 3),
    ])
    #expect(reader.total == 11)
    var read: [[UInt8]] = [[], [], []]
    var passed: [Int64] = []
    try reader.readToEnd(
      onPoll: { cursors in
        passed.append(cursors.reduce(0) { $0 + $1.passed })
        return true
      },
      { number, record in
        if let value = record.value { read[number].append(value.unsafeLoad(as: UInt8.self)) }
        return true
      })
    #expect(read == [Array(0..<10), [8], []])
    #expect(passed == passed.sorted() && passed.last == 11)
    #expect(unassigned.value == 2, "each at its own end")
  }

  @Test func anAbandonedPartitionBringsNothingMore() throws {
    try feed(0..<10, partition: 0)
    try feed(0..<10, partition: 1)
    var reader = try makeReader(SimulatedProcess(maxFetchRecords: 2))
    try reader.begin([
      PartitionCursor(partition, from: .at(0), to: 10),
      PartitionCursor(TopicPartition("t", 1), from: .at(0), to: 10),
    ])
    var counts = [0, 0]
    while !reader.isFinished {
      try reader.poll { number, _ in
        counts[number] += 1
        return true
      }
      if counts[0] > 0, !reader.cursors[0].isFinished { try reader.abandon(0) }
    }
    #expect(counts[0] < 10 && counts[1] == 10)
  }

  // MARK: Stopping

  @Test func readingStopsWhenItIsToldTo() throws {
    try feed(0..<10)
    var reader = try makeReader(SimulatedProcess(maxFetchRecords: 2))
    try reader.begin([PartitionCursor(partition, from: .at(0), to: 10)])
    var polls = 0
    try reader.readToEnd(
      onPoll: { _ in
        polls += 1
        return polls < 3
      }, { _, _ in true })
    #expect(polls == 3 && reader.passed == 6)
    var last: Int64?
    try reader.begin([PartitionCursor(partition, from: .at(0), to: 10)])
    try reader.readToEnd { _, record in
      last = record.offset
      return record.offset < 4
    }
    #expect(last == 4 && !reader.isFinished)
  }

  @Test func aReaderBeginsAgain() throws {
    try feed(0..<10)
    var reader = try makeReader()
    for start in [7, 3] as [Int64] {
      try reader.begin([PartitionCursor(partition, from: .at(start), to: 10)])
      var records: Int64 = 0
      try reader.readToEnd { _, _ in
        records += 1
        return true
      }
      #expect(records == 10 - start)
    }
    try reader.rewind([partition: 8])
    var offsets: [Int64] = []
    try reader.readToEnd { _, record in
      offsets.append(record.offset)
      return true
    }
    #expect(offsets == [8, 9], "also after its end")
  }

  // MARK: Following

  @Test func whatIsFollowedIsReadOnToItsGoals() throws {
    try feed(0..<10, partition: 0)
    try transaction(10..<12, end: commit)
    var reader = try makeReader(SimulatedProcess(maxFetchRecords: 3))
    let cursors = (0..<3 as Range<Int32>).map {
      PartitionCursor(TopicPartition("t", $0), from: .beginning)
    }
    try reader.begin(cursors)
    var offsets: [Int64] = []
    let goals = [partition: Int64(13), TopicPartition("t", 2): 0]
    try reader.readOn(to: goals, patience: .seconds(1)) { _, record in
      offsets.append(record.offset)
      return true
    }
    #expect(offsets == Array(0..<12))
    // More may arrive behind the goals, and is handed on.
    try feed(0..<4, partition: 1)
    try reader.readOn(to: [TopicPartition("t", 1): 1], patience: .seconds(1)) { _, record in
      offsets.append(record.offset)
      return true
    }
    #expect(offsets.count > 12 && !reader.isFinished)
    let error = #expect(throws: LogError.self) {
      try reader.readOn(to: [partition: 100], patience: .seconds(1)) { _, _ in true }
    }
    #expect(error?.message == "t[0] can't be read to its end at 100")
  }
}
