import EventLog
import Simulation
import StateStore
import Testing

@testable import Streams

/// A stage without state records its positions in the log, and skips no event because somebody else
/// has set its group's offsets.
struct RecordedPositionTests {
  private static let positions = "app-count-positions"
  private static let group = "app-count"

  /// A stage that copies events, run by one process after another.
  private struct Bed {
    let log = MemoryLog()
    let guarantee: ProcessingGuarantee
    let input = TopicPartition("events", 0)
    let recorder = EventRecorder()

    init(_ guarantee: ProcessingGuarantee) {
      self.guarantee = guarantee
      log.createTopic("events", partitions: 1)
      log.createTopic("copies", partitions: 1)
      log.createTopic(RecordedPositionTests.positions, partitions: 1)
    }

    func feed(_ range: Range<Int>) throws {
      for value in range {
        try log.append(to: input, key: nil, value: "\(value)".utf8Array)
      }
    }

    @discardableResult
    func run() -> StageError? {
      let stop = StopSignal()
      let idle = Counter()
      let clock = SimulatedClock()
      let process = SimulatedProcess(
        onIdle: { _ in
          clock.advance(by: .milliseconds(100))
          if idle.next() >= 4 { stop.stop() }
        })
      var configuration = StageConfiguration(
        name: "count", application: "app", instance: "0", inputs: ["events"],
        outputs: ["copies"], guarantee: guarantee, limits: BatchLimits(records: 4))
      configuration.positions = RecordedPositionTests.positions
      let environment = StageEnvironment(
        configuration: configuration, log: log.connected(process), storage: MemoryStorage(),
        events: recorder.sink, stop: stop, now: { clock.now },
        pause: { clock.advance(by: $0) })
      let loop = StageLoop(environment) { () throws(StageError) in CopyingOperator() }
      do throws(StageError) { try loop.run() } catch { return error }
      return nil
    }

    var copies: [String] {
      get throws {
        try log.records(of: TopicPartition("copies", 0)).map {
          String(decoding: $0.value ?? [], as: UTF8.self)
        }
      }
    }

    /// Every position that was recorded.
    var history: [RecordedPosition] {
      get throws {
        try log.records(of: TopicPartition(RecordedPositionTests.positions, 0)).compactMap {
          guard let value = $0.value else { return nil }
          return RecordedPosition(decoding: value.span.bytes)
        }
      }
    }

    var foreignOffsets: [Reason] {
      recorder.kinds.compactMap {
        if case .foreignOffset(input, let reason) = $0 { reason } else { nil }
      }
    }

    func recorded() throws -> RecordedPosition? {
      try RecordedPosition.all(
        in: RecordedPositionTests.positions, of: log, clientID: "test", waits: true)[0]
    }
  }

  private func texts(_ range: Range<Int>) -> [String] { range.map { "\($0)" } }

  private func settledBed(_ guarantee: ProcessingGuarantee) throws -> Bed {
    let bed = Bed(guarantee)
    try bed.feed(0..<10)
    #expect(bed.run() == nil)
    return bed
  }

  @Test func aPositionIsReadBack() {
    let last = RecordIdentity(offset: 9, timestamp: 17, hash: 0x0123_4567_89ab_cdef)
    for position in [
      RecordedPosition(nextOffset: 10, last: last), RecordedPosition(nextOffset: 0),
      RecordedPosition(nextOffset: 10, last: last, furthestOffset: 12),
      RecordedPosition(nextOffset: 0, furthestOffset: 12),
    ] {
      let encoded = position.encoded
      let read = RecordedPosition(decoding: encoded.span.bytes)
      #expect(read == position)
    }
    let text = String(decoding: RecordedPosition(nextOffset: 10, last: last).encoded, as: UTF8.self)
    #expect(
      text == #"{"next_offset":10,"last_offset":9,"last_timestamp":17,"#
        + #""last_hash":"0123456789abcdef"}"#)
    let behind = RecordedPosition(nextOffset: 10, last: last, furthestOffset: 12)
    #expect(
      String(decoding: behind.encoded, as: UTF8.self)
        == text.dropLast() + #","furthest_offset":12}"#)
    let other = Array(#"{"something":1}"#.utf8)
    let none = RecordedPosition(decoding: other.span.bytes)
    #expect(none == nil)
  }

  @Test(arguments: ProcessingGuarantee.allCases)
  func eachBatchRecordsItsPosition(guarantee: ProcessingGuarantee) throws {
    let bed = try settledBed(guarantee)
    let recorded = try #require(try bed.recorded())
    #expect(recorded.nextOffset == 10 && recorded.last?.offset == 9)
    #expect(try bed.copies == texts(0..<10))
  }

  @Test(arguments: ProcessingGuarantee.allCases)
  func anOffsetAheadStopsTheStageUntilItIsSettled(guarantee: ProcessingGuarantee) throws {
    let bed = try settledBed(guarantee)
    try bed.feed(10..<15)
    bed.log.setForeignOffsets([bed.input: 13], of: Self.group)
    for _ in 0..<2 {
      let error = try #require(bed.run())
      #expect(error.reason.code == .foreignOffset && error.reaction == .stopDaemon)
      #expect(error.description.contains("events[0]: 3 events, from 10 to 13"))
      #expect(error.description.contains("offsets accept --stage count"))
    }
    #expect(try bed.copies == texts(0..<10))
    bed.log.setOffsets([bed.input: 10], of: Self.group, stamp: .released(by: "app-count-x"))
    #expect(bed.run() == nil)
    #expect(try bed.copies == texts(0..<15))
  }

  /// Before its first event a partition has a position as well.
  @Test(arguments: ProcessingGuarantee.allCases)
  func anOffsetAheadInAPartitionWithoutEventsIsRefused(guarantee: ProcessingGuarantee) throws {
    let bed = Bed(guarantee)
    #expect(bed.run() == nil)
    #expect(try bed.history == [RecordedPosition(nextOffset: 0)])
    try bed.feed(0..<5)
    bed.log.setForeignOffsets([bed.input: 5], of: Self.group)
    let error = try #require(bed.run())
    #expect(error.reason.code == .foreignOffset)
    #expect(error.description.contains("events[0]: 5 events, from 0 to 5"))
    bed.log.setOffsets([bed.input: 0], of: Self.group, stamp: .released(by: "app-count-x"))
    #expect(bed.run() == nil)
    #expect(try bed.copies == texts(0..<5))
  }

  /// Somebody sets the offsets of a partition that was added while no instance ran.
  @Test(arguments: ProcessingGuarantee.allCases)
  func anOffsetAheadInAPartitionThatWasNeverReadIsRefused(guarantee: ProcessingGuarantee) throws {
    let bed = Bed(guarantee)
    bed.log.createTopic("events", partitions: 2)
    try bed.feed(0..<5)
    try bed.log.append(
      to: TopicPartition(Self.positions, 0), key: "1".utf8Array,
      value: RecordedPosition(nextOffset: 0).encoded)
    bed.log.setForeignOffsets([bed.input: 5], of: Self.group)
    let error = try #require(bed.run())
    #expect(error.reason.code == .foreignOffset)
    #expect(error.description.contains("events[0]: 5 events, from 0 to 5"))
    bed.log.setOffsets([bed.input: 0], of: Self.group, stamp: .released(by: "app-count-x"))
    #expect(bed.run() == nil)
    #expect(try bed.copies == texts(0..<5))
  }

  /// Of earlier versions, which recorded nothing, or because the topic of records is gone.
  @Test(arguments: [0, 3], [nil, OffsetStamp.released(by: "app-count-0"), .accepted])
  func anOffsetWithoutAnyRecordIsFollowedAndSaid(offset: Int64, stamp: OffsetStamp?) throws {
    let bed = Bed(.exactlyOnce)
    try bed.feed(0..<5)
    if let stamp {
      bed.log.setOffsets([bed.input: offset], of: Self.group, stamp: stamp)
    } else {
      bed.log.setForeignOffsets([bed.input: offset], of: Self.group)
    }
    #expect(bed.run() == nil)
    #expect(try bed.copies == texts(Int(offset)..<5))
    let isSaid = offset > 0 && stamp != .accepted
    #expect(bed.foreignOffsets.map(\.code) == (isSaid ? [.positionUnknown] : []))
    #expect(bed.foreignOffsets.allSatisfy { $0.text.contains("or \(Self.positions) is new") })
    #expect(bed.run() == nil)
    #expect(bed.foreignOffsets.count <= 1, "it is said once")
  }

  @Test(arguments: ProcessingGuarantee.allCases)
  func anOffsetAheadThatIsAcceptedSkipsEvents(guarantee: ProcessingGuarantee) throws {
    let bed = try settledBed(guarantee)
    try bed.feed(10..<15)
    bed.log.setOffsets([bed.input: 13], of: Self.group, stamp: .accepted)
    #expect(bed.run() == nil)
    #expect(try bed.copies == texts(0..<10) + texts(13..<15))
    #expect(try bed.recorded()?.nextOffset == 15)
  }

  @Test(arguments: ProcessingGuarantee.allCases)
  func anOffsetBehindIsAReplay(guarantee: ProcessingGuarantee) throws {
    let bed = try settledBed(guarantee)
    bed.log.setForeignOffsets([bed.input: 4], of: Self.group)
    #expect(bed.run() == nil)
    #expect(try bed.copies == texts(0..<10) + texts(4..<10))
    #expect(bed.foreignOffsets.map(\.code) == [.replaying])
    #expect(bed.run() == nil)
    #expect(try bed.copies.count == 16, "it is read again once")
  }

  /// A replay that is cut short, and one more that goes on in another place.
  @Test(arguments: ProcessingGuarantee.allCases)
  func howFarItHasBeenSurvivesReplays(guarantee: ProcessingGuarantee) throws {
    let bed = try settledBed(guarantee)
    #expect(try bed.recorded()?.furthestOffset == 10)
    bed.log.setForeignOffsets([bed.input: 2], of: Self.group)
    #expect(bed.run() == nil)
    bed.log.setOffsets([bed.input: 3], of: Self.group, stamp: .accepted)
    try bed.feed(10..<12)
    #expect(bed.run() == nil)
    let history = try bed.history
    #expect(history.contains { $0.nextOffset < 10 && $0.furthestOffset == 10 })
    let reached = history.map(\.furthestOffset)
    #expect(reached == reached.sorted() && reached.last == 12)
    #expect(history.last?.nextOffset == 12)
  }

  /// A group without offsets, because they expired or were deleted, tells nothing.
  @Test(arguments: ProcessingGuarantee.allCases)
  func aGroupWithoutOffsetsGoesOnWhereItStood(guarantee: ProcessingGuarantee) throws {
    let bed = try settledBed(guarantee)
    try bed.feed(10..<12)
    bed.log.disband()
    #expect(bed.run() == nil)
    #expect(try bed.copies == texts(0..<12))
  }

  /// A producer with an open transaction, in which it has sent one event.
  private func openTransaction(_ bed: Bed, _ event: String) throws -> MemoryProducer {
    let producer = try bed.log.makeProducer(
      ProducerConfiguration(
        topics: ["events"], delivery: .transactional(id: "upstream"), clientID: "upstream"))
    try producer.beginTransaction()
    let value = [UInt8](event.utf8)
    try producer.send(
      topic: 0, partition: 0, key: nil, value: value.span.bytes, headers: [], timestamp: nil,
      tracked: false)
    return producer
  }

  /// The tools take the end that readers of committed records don't get to see yet.
  @Test(arguments: ProcessingGuarantee.allCases)
  func anOffsetBeyondAnOpenTransactionIsRefused(guarantee: ProcessingGuarantee) throws {
    let bed = try settledBed(guarantee)
    let producer = try openTransaction(bed, "10")
    bed.log.setForeignOffsets([bed.input: 11], of: Self.group)
    let error = try #require(bed.run())
    #expect(error.reason.code == .foreignOffset)
    #expect(error.description.contains("events[0]: up to 1 events, from 10 to 11"))
    bed.log.setOffsets([bed.input: 11], of: Self.group, stamp: .accepted)
    #expect(bed.run() == nil)
    try producer.commitTransaction()
    try bed.feed(11..<13)
    #expect(bed.run() == nil)
    #expect(try bed.copies == texts(0..<10) + texts(11..<13))
  }

  /// Whoever types an offset by hand may type one digit more.
  @Test(arguments: [0, 3])
  func anOffsetBeyondTheEndIsRefused(unread: Int) throws {
    let bed = try settledBed(.exactlyOnce)
    try bed.feed(10..<10 + unread)
    bed.log.setForeignOffsets([bed.input: 100], of: Self.group)
    let error = try #require(bed.run())
    #expect(error.reason.code == .foreignOffset)
    #expect(
      error.description.contains(
        "events[0]: \(unread) events, from 10 to 100, which is beyond its end at \(10 + unread)"))
    #expect(error.description.contains("offsets restore --stage count"))
  }

  @Test func markersAloneAreNothingToSkip() throws {
    let bed = try settledBed(.exactlyOnce)
    let producer = try openTransaction(bed, "aborted")
    try producer.abortTransaction(timeout: .zero)
    let end = try bed.log.offsets(of: bed.input).upperBound
    bed.log.setForeignOffsets([bed.input: end], of: Self.group)
    #expect(bed.run() == nil)
  }

  /// Kafka drops a group's offsets of a topic that is deleted; the stage's own record remains.
  @Test(arguments: [3, 10, 30])
  func aTopicThatWasRecreatedIsNoticed(length: Int) throws {
    let bed = try settledBed(.exactlyOnce)
    bed.log.createTopic("events", partitions: 1)
    try bed.feed(100..<100 + length)
    let error = try #require(bed.run())
    #expect(error.reason.code == .topicRecreated)
    bed.log.setOffsets([bed.input: 0], of: Self.group, stamp: .accepted)
    #expect(bed.run() == nil)
    #expect(try bed.copies == texts(0..<10) + texts(100..<100 + length))
    #expect(try bed.recorded()?.furthestOffset == Int64(length), "nothing of it was read before")
    #expect(bed.run() == nil)
  }

  /// All events were in a partition that the new topic does not have.
  @Test func aTopicThatWasRecreatedWithFewerPartitionsIsNoticed() throws {
    let bed = Bed(.exactlyOnce)
    bed.log.createTopic("events", partitions: 2)
    try bed.log.append(
      to: TopicPartition("events", 1), key: nil, value: "old".utf8Array)
    #expect(bed.run() == nil)
    bed.log.createTopic("events", partitions: 1)
    try bed.feed(0..<3)
    let error = try #require(bed.run())
    #expect(error.reason.code == .topicRecreated)
    #expect(error.description.contains("events[1], which the topic does not have any more"))
    bed.log.setOffsets([bed.input: 0], of: Self.group, stamp: .accepted)
    #expect(bed.run() == nil)
    #expect(try bed.copies == ["old"] + texts(0..<3))
    #expect(bed.run() == nil)
    try bed.feed(3..<4)
    #expect(bed.run() == nil)
    #expect(try bed.copies == ["old"] + texts(0..<4))
  }
}

/// Sends each event's value on.
private struct CopyingOperator: StageOperator {
  typealias Store = MemoryStore
  typealias Producer = MemoryProducer

  func makeState(_ task: Partition) throws(StageError) -> NoState { NoState() }

  func process(
    _ records: borrowing RecordRun, _ state: inout NoState, _ task: Partition
  ) throws(StageError) {
    for index in records.indices {
      try task.send(to: StageOutput(index: 0), key: nil, value: records[index].value)
    }
  }
}
