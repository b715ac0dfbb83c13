import EventLog
import Logging
import Testing

@testable import KafkaLog

/// Records come out as they went in, byte for byte.
@Suite struct RecordTests {
  @Test func nullAndEmptyAreDifferent() throws {
    let cluster = try Cluster(["records": 1])
    let producer = try cluster.producer(["records"])
    for key in [nil, "", "k"] as [String?] {
      for value in [nil, "", "v"] as [String?] {
        try producer.send(value, key: key)
        // With a timestamp, the record takes the library's other entry.
        try producer.send(value, key: key, timestamp: 1_700_000_000_000)
      }
    }
    try producer.flush(timeout: patience)
    let reader = try cluster.reader("records")
    try reader.assign([(TopicPartition("records", 0), .beginning)])
    let records = try read(reader, count: 18)
    let expected: [[UInt8]?] = [nil, [], [UInt8(ascii: "k")]]
    let values: [[UInt8]?] = [nil, [], [UInt8(ascii: "v")]]
    #expect(records.map(\.key) == expected.flatMap { key in Array(repeating: key, count: 6) })
    #expect(records.map(\.value) == (0..<18).map { values[$0 / 2 % 3] })
    #expect(records.map(\.offset) == Array(0..<18))
    #expect(records[1].timestamp == 1_700_000_000_000)
    #expect(records[0].timestamp > 1_700_000_000_000)
  }

  @Test func headersKeepOrderNullsAndBytes() throws {
    let headers = [
      RecordHeader("a", text: "text"), RecordHeader("null", nil), RecordHeader("empty", []),
      RecordHeader("a", [0xff, 0xfe, 0x00]), RecordHeader("", text: "no name"),
    ]
    let cluster = try Cluster(["records": 1])
    let producer = try cluster.producer(["records"])
    try producer.send("with", headers: headers)
    try producer.send("without")
    try producer.flush(timeout: patience)
    let reader = try cluster.reader("records")
    try reader.assign([(TopicPartition("records", 0), .beginning)])
    let records = try read(reader, count: 2)
    #expect(records[0].headers == headers)
    #expect(records[1].headers == [])
  }

  @Test func topicsKeepTheirIndex() throws {
    let cluster = try Cluster(["one": 1, "two": 1])
    let producer = try cluster.producer(["two"])
    let (index, partitions) = try producer.topic(named: "one")
    #expect(index == 1)
    #expect(partitions == 1)
    try producer.send("second", topic: 0)
    try producer.send("first", topic: index)
    try producer.flush(timeout: patience)
    let reader = try cluster.log.makeConsumer(
      ConsumerConfiguration(topics: ["one", "two"], group: nil, clientID: "reader"))
    try reader.assign([
      (TopicPartition("one", 0), .beginning), (TopicPartition("two", 0), .beginning),
    ])
    let records = try read(reader, count: 2)
    #expect(Set(records.map { "\($0.topic) \($0.text)" }) == ["0 first", "1 second"])
  }

  @Test func unknownTopicsAreNamed() throws {
    let cluster = try Cluster(["known": 3])
    let producer = try cluster.producer(["known"])
    #expect { try producer.topic(named: "unknown") } throws: {
      ($0 as? LogError)?.code == .unknownTopic
    }
    let reader = try cluster.reader("known")
    #expect(try reader.partitionCount(of: "known") == 3)
  }

  @Test func trackedRecordsKnowTheirOffset() throws {
    let cluster = try Cluster(["records": 2])
    let producer = try cluster.producer(["records"])
    for number in 0..<500 {
      try producer.send("\(number)", partition: 0, tracked: number == 300)
    }
    #expect(producer.deliveredOffset(topic: 0, partition: 1) == nil)
    try producer.flush(timeout: patience)
    #expect(producer.deliveredOffset(topic: 0, partition: 0) == 300)
    #expect(producer.deliveredOffset(topic: 0, partition: 1) == nil)
    try producer.send("last", partition: 1, tracked: true)
    try producer.flush(timeout: patience)
    #expect(producer.deliveredOffset(topic: 0, partition: 1) == 0)
  }

  @Test func manyRecordsArriveOnceAndInOrder() throws {
    let cluster = try Cluster(["records": 1])
    let producer = try cluster.producer(["records"])
    let reader = try cluster.reader("records")
    try reader.assign([(TopicPartition("records", 0), .beginning)])
    for number in 0..<20_000 { try producer.send("\(number)", partition: 0) }
    try producer.flush(timeout: patience)
    let records = try read(reader, count: 20_000)
    #expect(records.count == 20_000)
    #expect(records.enumerated().allSatisfy { $1.text == "\($0)" })
  }

  @Test func aFullQueueMakesSendWait() throws {
    let cluster = try Cluster(
      ["records": 1], properties: ["queue.buffering.max.messages": "10"])
    let producer = try cluster.producer(["records"])
    for number in 0..<2000 { try producer.send("\(number)") }
    try producer.flush(timeout: patience)
    let reader = try cluster.reader("records")
    #expect(try reader.offsets(of: TopicPartition("records", 0)) == 0..<2000)
  }

  @Test func tooLargeARecordIsRefused() throws {
    let cluster = try Cluster(["records": 1], properties: ["message.max.bytes": "2000"])
    let producer = try cluster.producer(["records"])
    #expect { try producer.send(String(repeating: "x", count: 10_000)) } throws: {
      ($0 as? LogError)?.code == .recordTooLarge
    }
  }
}
