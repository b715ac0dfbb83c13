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

  @Test(
    arguments: [
      ("1700000000123", 1_700_000_000_123, false), ("0", 0, false), ("", nil, true),
      ("-1", nil, true), ("1e3", nil, true), ("99999999999999999999", nil, true),
    ] as [(String, Int64?, Bool)])
  func deadlinesAreDecimalText(_ text: String, _ deadline: Int64?, _ isInvalid: Bool) {
    let headers = RequestHeaders([RecordHeader("projectionist.deadline_ms", text: text)])
    #expect(headers.deadline == deadline && headers.hasInvalidDeadline == isInvalid)
  }

  @Test func theLastDeadlineCounts() {
    let headers = RequestHeaders([
      RecordHeader("projectionist.deadline_ms", text: "1"),
      RecordHeader("projectionist.deadline_ms", text: "2"),
    ])
    #expect(headers.deadline == 2)
    #expect(RequestHeaders([]).deadline == nil && !RequestHeaders([]).hasInvalidDeadline)
    #expect(RequestHeaders([RecordHeader("projectionist.deadline_ms", nil)]).hasInvalidDeadline)
  }
}
