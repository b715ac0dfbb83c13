import EventLog
import Testing

@testable import KafkaLog

@Suite struct PartitionerTests {
  /// From org.apache.kafka.common.utils.UtilsTest.testMurmur2.
  @Test(
    arguments: [
      ("21", -973_932_308), ("foobar", -790_332_482), ("a-little-bit-long-string", -985_981_536),
      ("a-little-bit-longer-string", -1_486_304_829),
      ("lkjh234lh9fiuh90y23oiuhsafujhadof229phr9h19h89h8", -58_897_971), ("abc", 479_470_107),
    ] as [(String, Int32)])
  func agreesWithKafka(_ text: String, _ expected: Int32) {
    let bytes = Array(text.utf8)
    #expect(Int32(bitPattern: KafkaPartitioner.murmur2(bytes.span.bytes)) == expected)
  }

  @Test func agreesWithTheClientLibrary() throws {
    let cluster = try Cluster(["keyed": 7])
    let producer = try cluster.producer(["keyed"])
    for number in 0..<2000 { try producer.send("\(number)", key: "\(number * 7919)") }
    try producer.flush(timeout: patience)
    let reader = try cluster.reader("keyed")
    try reader.assign((0..<7).map { (TopicPartition("keyed", $0), .beginning) })
    let records = try read(reader, count: 2000)
    #expect(Set(records.map(\.partition)).count == 7)
    for record in records {
      let key = try #require(record.key)
      #expect(KafkaPartitioner.partition(key: key.span.bytes, count: 7) == record.partition)
    }
  }

  @Test func anEmptyKeyIsHashed() throws {
    let cluster = try Cluster(["keyed": 5])
    let producer = try cluster.producer(["keyed"])
    try producer.send("value", key: "")
    try producer.flush(timeout: patience)
    let reader = try cluster.reader("keyed")
    try reader.assign((0..<5).map { (TopicPartition("keyed", $0), .beginning) })
    let nothing: [UInt8] = []
    let record = try #require(try read(reader, count: 1).first)
    #expect(record.key == [])
    #expect(KafkaPartitioner.partition(key: nothing.span.bytes, count: 5) == record.partition)
  }
}
