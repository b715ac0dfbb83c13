import EventLog
import Testing

@testable import KafkaLog

/// A reader whose caller assigns its partitions.
@Suite struct ConsumerTests {
  private let zero = TopicPartition("events", 0)

  private func filled(_ count: Int) throws -> Cluster {
    let cluster = try Cluster(["events": 2])
    let producer = try cluster.producer(["events"])
    for number in 0..<count { try producer.send("\(number)", partition: 0) }
    try producer.flush(timeout: patience)
    return cluster
  }

  @Test func readsFromAnOffset() throws {
    let reader = try filled(10).reader("events")
    try reader.assign([(zero, .at(7))])
    #expect(try read(reader, count: 3).map(\.text) == ["7", "8", "9"])
  }

  @Test func reportsTheEnd() throws {
    let cluster = try filled(5)
    let reader = try cluster.reader("events")
    #expect(reader.endHint(of: zero) == nil)
    try reader.assign([(zero, .beginning), (TopicPartition("events", 1), .beginning)])
    var records: [Copied] = []
    var ends: [TopicPartition: Int64] = [:]
    try poll(reader, into: &records) { _, result in
      ends.merge(result.ends) { $1 }
      return ends.count == 2
    }
    #expect(ends == [zero: 5, TopicPartition("events", 1): 0])
    #expect(records.count == 5)
    #expect(reader.endHint(of: zero) == 5)
  }

  @Test func rewindsAndReadsAgain() throws {
    let reader = try filled(3000).reader("events")
    try reader.assign([(zero, .beginning)])
    var records: [Copied] = []
    try poll(reader, maxRecords: 100, into: &records) { records, _ in records.count >= 2000 }
    for target in [Int64(50), 1999, 0] {
      try reader.rewind([zero: target])
      let again = try read(reader, count: 3000 - Int(target))
      #expect(again.count == 3000 - Int(target))
      #expect(again.enumerated().allSatisfy { $1.offset == target + Int64($0) })
    }
  }

  /// librdkafka pauses partitions when a rebalance begins. A seek that the pause overtakes fails as
  /// outdated.
  @Test func aRewindThatIsOvertakenIsRepeated() async throws {
    let reader = try filled(1000).reader("events")
    try reader.assign([(zero, .beginning)])
    _ = try read(reader, count: 1000)
    // Any thread may call a librdkafka client.
    nonisolated(unsafe) let client = reader.client
    let partition = zero
    let end = Flag()
    try await withThrowingTaskGroup { group in
      group.addTask {
        while !end.isRaised { pauseAndResume(partition, client) }
      }
      defer { end.raise() }
      for _ in 0..<1_000 { try reader.rewind([zero: 10]) }
    }
    #expect(try read(reader, count: 990).map(\.offset) == Array(10..<1000))
  }

  /// A fetcher would sleep for a second each time it finds the queue full.
  @Test func aFullQueueIsFilledAgainAtOnce() throws {
    let cluster = try filled(30_000)
    let reader = try cluster.log.makeConsumer(
      ConsumerConfiguration(
        topics: ["events"], group: nil, clientID: "reader", maxQueuedBytes: 1 << 20))
    try reader.assign([(zero, .beginning)])
    let start = ContinuousClock.now
    #expect(try read(reader, count: 30_000).count == 30_000)
    #expect(ContinuousClock.now - start < .seconds(5))
  }

  @Test func aBodyThatStopsLosesNothingAfterRewind() throws {
    let reader = try filled(1000).reader("events")
    try reader.assign([(zero, .beginning)])
    var seen = 0
    let deadline = ContinuousClock.now + patience
    while seen < 10, ContinuousClock.now < deadline {
      _ = try reader.poll(maxRecords: 1000, timeout: .milliseconds(50)) { _ in
        seen += 1
        return seen < 10
      }
    }
    #expect(seen == 10)
    try reader.rewind([zero: 10])
    let rest = try read(reader, count: 990)
    #expect(rest.first?.offset == 10)
    #expect(rest.last?.offset == 999)
    #expect(rest.count == 990)
  }

  /// Each record comes once and in its partition's order, and no run is of two partitions.
  @Test func recordsComeInRunsOfOnePartition() throws {
    let cluster = try filled(1000)
    let producer = try cluster.producer(["events"])
    for number in 0..<500 { try producer.send("\(number)", key: "k\(number)", partition: 1) }
    try producer.flush(timeout: patience)
    let reader = try cluster.reader("events")
    try reader.assign([(zero, .beginning), (TopicPartition("events", 1), .beginning)])
    var offsets: [Int32: [Int64]] = [:]
    var longest = 0
    let deadline = ContinuousClock.now + patience
    while offsets.values.reduce(0, { $0 + $1.count }) < 1500, ContinuousClock.now < deadline {
      var records = 0
      let result = try reader.pollRuns(maxRecords: 700, timeout: .milliseconds(50)) { run in
        records += run.count
        longest = max(longest, run.count)
        for index in run.indices {
          let record = run[index]
          offsets[record.partition, default: []].append(record.offset)
          let copied = Copied(record)
          #expect(record.partition == 0 || copied.text == "\(record.offset)")
        }
        return true
      }
      #expect(result.records == records && records <= 700)
    }
    #expect(offsets == [0: Array(0..<1000), 1: Array(0..<500)])
    #expect(longest > 1)
  }

  @Test func partitionsAreAddedAndTakenAway() throws {
    let cluster = try filled(3)
    let one = TopicPartition("events", 1)
    let reader = try cluster.reader("events")
    try reader.assign([(zero, .beginning)])
    #expect(try read(reader, count: 3).count == 3)
    try reader.assign([(one, .beginning)])
    let producer = try cluster.producer(["events"])
    try producer.send("other", partition: 1)
    try producer.flush(timeout: patience)
    #expect(try read(reader, count: 1).map(\.text) == ["other"])
    try reader.unassign([zero])
    try producer.send("unseen", partition: 0)
    try producer.send("seen", partition: 1)
    try producer.flush(timeout: patience)
    #expect(try read(reader, count: 1).map(\.text) == ["seen"])
    try reader.assign([(zero, .at(3))])
    #expect(try read(reader, count: 1).map(\.text) == ["unseen"])
  }

  @Test func anOffsetBeyondTheEndIsAnErrorThatARewindEnds() throws {
    let reader = try filled(3).reader("events")
    try reader.assign([(zero, .at(1000))])
    var records: [Copied] = []
    #expect { try poll(reader, into: &records) { _, _ in false } } throws: {
      ($0 as? LogError)?.code == .offsetOutOfRange
    }
    try reader.rewind([zero: 1])
    #expect(try read(reader, count: 2).map(\.text) == ["1", "2"])
  }

  @Test func offsetsAreKeptUnderAGroupsName() throws {
    let cluster = try filled(3)
    let configuration = ConsumerConfiguration(
      topics: ["events"], group: "keeper", isMember: false, clientID: "keeper")
    let keeper = try cluster.log.makeConsumer(configuration)
    #expect(try keeper.committed([zero]) == [:])
    try keeper.assign([(zero, .beginning)])
    try keeper.commit([zero: 2], wait: true)
    #expect(try keeper.committed([zero, TopicPartition("events", 1)]) == [zero: 2])
    keeper.close()
    #expect(try cluster.log.makeConsumer(configuration).committed([zero]) == [zero: 2])
  }
}
