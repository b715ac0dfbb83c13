import EventLog
import Testing

@testable import Pipeline

@Suite struct RequestHeadersTests {
  @Test func springHeadersAreRead() {
    let id = (0..<16).map { UInt8($0 * 16) }
    let headers = RequestHeaders([
      RecordHeader("__TypeId__", text: "com.example.Request"),
      RecordHeader("kafka_correlationId", id),
      RecordHeader("kafka_replyTopic", text: "answers"),
      RecordHeader("kafka_replyPartition", [0, 0, 1, 2]),
    ])
    #expect(headers.correlation == [RecordHeader("kafka_correlationId", id)])
    #expect(headers.replyTopic == "answers")
    #expect(headers.replyPartition == 258)
    #expect(!headers.isRerouted)
  }

  @Test func noHeadersAskForTheDefault() {
    let headers = RequestHeaders([])
    #expect(headers.correlation.isEmpty)
    #expect(headers.replyTopic == nil && headers.replyPartition == nil && !headers.isRerouted)
  }

  @Test func malformedHeadersAreIgnored() {
    let headers = RequestHeaders([
      RecordHeader("kafka_replyTopic", [0xFF, 0xFE]),
      RecordHeader("kafka_replyPartition", [1, 2]),
      RecordHeader("kafka_correlationId", nil),
      RecordHeader("projectionist.rerouted", text: "1"),
    ])
    #expect(headers.replyTopic == nil && headers.replyPartition == nil)
    #expect(headers.correlation == [RecordHeader("kafka_correlationId", nil)])
    #expect(headers.isRerouted)
  }
}
