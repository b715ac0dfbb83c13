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

  /// Spring before 2.3 and `encodeStrings` write JSON texts, other languages and shells their own.
  @Test(arguments: [
    "answers", "\"answers\"", "\"\\\"answers\\\"\"", "answers\n", "answers\r\n",
    " answers ",
    "answers\0",
    "\u{FEFF}answers", "'answers'", "[\"answers\"]",
  ])
  func aTopicIsReadAsClientsWriteIt(_ text: String) {
    let headers = RequestHeaders([RecordHeader("kafka_replyTopic", text: text)])
    #expect(headers.replyTopic == "answers" && headers.unreadable.isEmpty)
  }

  @Test(
    arguments: [
      [], [0xFF, 0xFE], Array("my replies".utf8), Array("a\0b\0".utf8), Array("{\"t\":1}".utf8),
      Array("..".utf8), Array("r\u{E9}ponses".utf8), Array(String(repeating: "x", count: 250).utf8),
    ] as [[UInt8]])
  func whatIsNoTopicIsUnreadable(_ bytes: [UInt8]) {
    let header = RecordHeader("kafka_replyTopic", bytes)
    #expect(RequestHeaders([header]).unreadable == [header])
  }

  @Test(
    arguments: [
      ([0, 0, 1, 2], 258), ([0, 0, 0, 0, 0, 0, 0, 3], 3), (Array("0".utf8), 0),
      (Array("12\n".utf8), 12), (Array("\"3\"".utf8), 3), (Array("1234".utf8), 1_234),
      (Array("12345678".utf8), 12_345_678), ([0xFF, 0xFF, 0xFF, 0xFF], -1),
      // Little-endian is not guessed: the topic does not have such a partition.
      ([1, 0, 0, 0], 1 << 24), ([1, 2], nil), ([], nil), (Array("one".utf8), nil),
    ] as [([UInt8], Int64?)])
  func aPartitionIsBinaryOrText(_ bytes: [UInt8], _ partition: Int64?) {
    let header = RecordHeader("kafka_replyPartition", bytes)
    let headers = RequestHeaders([header])
    #expect(headers.replyPartition == partition)
    #expect(headers.unreadable == (partition == nil ? [header] : []))
  }

  @Test func otherNamesAreUnderstoodBelowSprings() {
    let other = [
      RecordHeader("X-Correlation-ID", text: "x"), RecordHeader("reply_topic", text: "other"),
      RecordHeader("replyPartition", text: "2"),
    ]
    let headers = RequestHeaders(other)
    #expect(headers.correlation == [other[0]])
    #expect(headers.replyTopic == "other" && headers.replyPartition == 2)
    for spring in [
      [RecordHeader("kafka_replyTopic", text: "spring")] + other,
      other + [RecordHeader("kafka_replyTopic", text: "spring")],
    ] {
      #expect(RequestHeaders(spring).replyTopic == "spring")
    }
    let strange = RequestHeaders([RecordHeader("correlation-idea", text: "x")])
    #expect(strange.correlation.isEmpty)
  }

  @Test func headersAreShownAsTextWhereTheyAreText() {
    let long = String(repeating: "é", count: 99)
    #expect(HeaderText.shown(Array("a\(long)".utf8)) == "a\(long.prefix(63))…")
    #expect(HeaderText.shown(Array("é".utf8)) == "é" && HeaderText.shown(nil) == "null")
    #expect(HeaderText.shown([0, 0, 1, 255]) == "00 00 01 ff")
  }

  @Test func theLastOfSeveralCounts() {
    let headers = RequestHeaders([
      RecordHeader("kafka_correlationId", text: "1"), RecordHeader("kafka_replyTopic", text: "a"),
      RecordHeader("kafka_correlationId", text: "2"), RecordHeader("kafka_replyTopic", text: "b"),
    ])
    #expect(headers.correlation.map(\.value) == [Array("1".utf8), Array("2".utf8)])
    #expect(headers.replyTopic == "b")
  }

  @Test func nullHeadersAreNotForgotten() {
    let headers = RequestHeaders([
      RecordHeader("kafka_correlationId", nil), RecordHeader("kafka_replyTopic", nil),
      RecordHeader("projectionist.rerouted", text: "1"),
    ])
    #expect(headers.correlation == [RecordHeader("kafka_correlationId", nil)])
    #expect(headers.unreadable == [RecordHeader("kafka_replyTopic", nil)])
    #expect(headers.isRerouted)
  }

  // MARK: Deadlines

  private func deadline(_ text: String) -> RequestDeadline {
    RequestHeaders([RecordHeader("projectionist.deadline_ms", text: text)]).deadline
  }

  @Test(
    arguments: [
      ("1700000000123", 1_700_000_000_123), ("\"1700000000123\"", 1_700_000_000_123),
      ("1700000000123\n", 1_700_000_000_123), ("978307200000", 978_307_200_000),
    ] as [(String, Int64)])
  func aDeadlineIsAMomentInMilliseconds(_ text: String, _ moment: Int64) {
    #expect(deadline(text) == .at(moment))
  }

  @Test(arguments: [
    ("1700000005", "looks like seconds"), ("1700000005000000", "looks like microseconds"),
    ("1700000005000000000", "looks like nanoseconds"), ("5000", "a length of time"),
    ("0", "a length of time"), ("-1", "not between 2001 and 2100"), ("", "not"), ("1e3", "not"),
    ("2024-01-01T00:00:00Z", "not \"2024-01-01"), ("1700000000.123", "not"),
    ("99999999999999999999", "not"),
  ])
  func anotherUnitIsNamed(_ text: String, _ reason: String) {
    guard case .invalid(let fault) = deadline(text) else {
      Issue.record("\(text) is valid")
      return
    }
    #expect(fault.contains(reason))
  }

  @Test func theLastDeadlineCounts() {
    let headers = RequestHeaders([
      RecordHeader("projectionist.deadline_ms", text: "1700000000001"),
      RecordHeader("projectionist.deadline_ms", text: "1700000000002"),
    ])
    #expect(headers.deadline == .at(1_700_000_000_002))
    #expect(RequestHeaders([]).deadline == .none)
    let null = RequestHeaders([RecordHeader("projectionist.deadline_ms", nil)])
    #expect(null.deadline == .invalid("not \"null\""))
  }
}
