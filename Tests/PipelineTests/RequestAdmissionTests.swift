import EventLog
import Testing

@testable import Pipeline
@testable import Recommender

@Suite struct RequestAdmissionTests {
  private func disposition(
    _ value: String?, partition: Int32 = 2, headers: [RecordHeader] = [], timestamp: Int64 = 0
  ) -> RequestDisposition {
    var admission = RequestAdmission(
      partitionOf: { _ in 2 }, time: { Self.now }, maxAge: .milliseconds(1_000))
    let bytes = value.map { Array($0.utf8) }
    return bytes.withSpan { value in
      let record = RecordView(
        topic: 0, partition: partition, offset: 0, timestamp: timestamp, key: nil, value: value)
      return admission.disposition(
        of: record, headerBytes: headers.byteCount, RequestHeaders(headers), partition: partition)
    }
  }

  private static let now: Int64 = 1_700_000_000_000

  private static func deadline(_ text: String) -> RecordHeader {
    RecordHeader(RequestHeaders.deadline, text: text)
  }

  @Test func aRequestInItsPartitionIsAccepted() {
    for headers in [[], [Self.deadline("1700000000000")]] {
      guard case .accepted(let request) = disposition(#"{"user_id":7}"#, headers: headers) else {
        Issue.record("not accepted")
        continue
      }
      #expect(request == RecommendationRequest(user: 7))
    }
  }

  /// Nobody waits for its reply, so it matters neither what it says nor where it is.
  @Test(arguments: [#"{"user_id":7}"#, "{", nil])
  func anExpiredRequestIsNotLookedAt(_ value: String?) {
    for partition in Int32(1)...2 {
      let late = disposition(value, partition: partition, headers: [Self.deadline("1699999999999")])
      guard case .expired = late else {
        Issue.record("not expired")
        continue
      }
    }
  }

  /// Some clients give a record's time in seconds, and wait for the reply as all do.
  @Test(arguments: [0, -1, 1_700_000_000, 1_699_999_999_000, 1_800_000_000_000_000] as [Int64])
  func aRecordsTimeThatCanNotBeIsNone(_ timestamp: Int64) {
    guard case .accepted = disposition(#"{"user_id":7}"#, timestamp: timestamp) else {
      Issue.record("not accepted")
      return
    }
    guard case .old(1_001) = disposition(#"{"user_id":7}"#, timestamp: Self.now - 1_001) else {
      Issue.record("not too old")
      return
    }
  }

  @Test func aRequestElsewhereIsForwardedOnce() {
    guard case .misrouted(to: 2) = disposition(#"{"user_id":7}"#, partition: 1) else {
      Issue.record("not forwarded")
      return
    }
    let rerouted = RecordHeader(RequestHeaders.rerouted, text: "1")
    guard
      case .refused(let error) = disposition(
        #"{"user_id":7}"#, partition: 1, headers: [rerouted])
    else {
      Issue.record("not refused")
      return
    }
    #expect(error.code == "wrong_partition" && error.user == 7)
  }

  @Test(
    arguments: [
      ("{", "invalid_json", nil), (#"{"user_id":7,"as_of":1}"#, "as_of_unsupported", 7),
      (#"{"user_id":7}"#, "invalid_deadline", 7),
      (
        #"{"user_id":7,"x":""# + String(repeating: "x", count: 1 << 16) + #""}"#,
        "request_too_large", nil
      ),
    ] as [(String, String, Int64?)])
  func aWrongRequestIsRefused(_ value: String, _ code: String, _ user: Int64?) {
    let headers = code == "invalid_deadline" ? [Self.deadline("soon")] : []
    // Whatever the partition: an error needs no state.
    for partition in Int32(1)...2 {
      guard
        case .refused(let error) = disposition(value, partition: partition, headers: headers)
      else {
        Issue.record("not refused")
        continue
      }
      #expect(error.code == code && error.user == user)
    }
  }

  @Test func outcomesAreCounted() {
    var counts = PredictStatus()
    counts.count(.expired)
    counts.count(.old(70_000))
    counts.count(.misrouted(to: 1))
    counts.count(.refused(.tooLarge))
    let request = RecommendationRequest(user: 7)
    counts.count(.accepted(request))
    for strategy in [RecommendationStrategy.personal, .popular, .personal] {
      counts.count(
        RecommendationReply(
          request: request, recommendations: [], strategy: strategy, stateOffset: 0, moment: 7,
          latencyMilliseconds: 0))
    }
    var shadow = RecommendationReply(
      request: request, recommendations: [], strategy: .personal, stateOffset: 0, moment: 7,
      latencyMilliseconds: 0)
    shadow.comparison = ShadowComparison(liveModelVersion: nil, overlapAt10: 0.5)
    counts.count(shadow)
    var expected = PredictStatus()
    (expected.late, expected.forwarded, expected.errors) = (1, 1, 1)
    expected.old = 1
    (expected.personal, expected.popular, expected.shadows) = (2, 1, 1)
    expected.shadowOverlapSum = 0.5
    #expect(counts == expected)
  }
}
