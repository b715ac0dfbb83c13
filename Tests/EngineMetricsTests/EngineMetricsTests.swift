import EventLog
import Metrics
import Streams
import Synchronization
import Testing

@testable import EngineMetrics

/// What the engine's events become, one kind after another.
struct EngineMetricsTests {
  private let metrics: EngineMetrics

  private final class Clock: Sendable {
    let time = Mutex<Int64>(1_700_000_000_000)
  }

  private let time = Clock()

  init() {
    metrics = EngineMetrics { [time] in time.time.withLock { $0 } }
  }

  private func pass(milliseconds: Int64) { time.time.withLock { $0 += milliseconds } }

  private func emit(
    _ stage: String, _ kind: EngineEvent.Kind, role: EngineEvent.Role = .stage
  ) { metrics.sink.receive(EngineEvent(stage: stage, role: role, kind)) }

  /// The samples whose names begin like this.
  private func samples(_ name: String) -> [String] {
    MetricsPage(metrics.collect(), accept: nil).text.split(separator: "\n")
      .filter { $0.hasPrefix(name) }.map(String.init)
  }

  private func reason(_ code: Reason.Code) -> Reason { Reason(code, "free text of \(code)") }

  private static let source = TopicPartition("user-ratings", 3)

  private func batch(
    records: Int = 5, next: Int64 = 10, end: Int64 = 10, newest: Int64? = nil
  ) -> BatchSummary {
    var batch = BatchSummary(
      records: records, bytes: 100, redeliveries: 2, open: .milliseconds(3),
      steps: [.init(.closeBatch, .milliseconds(1)), .init(.commitTransaction, .milliseconds(30))],
      positions: [
        Self.source: PartitionPosition(nextOffset: next, endOffset: end, newestTime: newest)
      ])
    batch.inputs = [TopicTally(topic: "user-ratings", records: records, bytes: 100)]
    batch.outputs = [
      TopicTally(topic: "validated-ratings", records: 4, bytes: 90),
      TopicTally(topic: nil, records: 1, bytes: 7),
    ]
    return batch
  }

  @Test func batches() {
    emit("intake", .batchCommitted(batch()))
    emit("intake", .batchCommitted(batch(records: 7)))
    emit("intake", .batchAborted(reason(.transactionAborted)))
    #expect(samples("projectionist_batches") == [#"projectionist_batches_total{stage="intake"} 2"#])
    let consumed = #"{stage="intake",topic="user-ratings"}"#
    #expect(
      samples("projectionist_consumed") == [
        "projectionist_consumed_records_total\(consumed) 12",
        "projectionist_consumed_bytes_total\(consumed) 200",
      ])
    #expect(
      samples("projectionist_produced_records").last
        == #"projectionist_produced_records_total{stage="intake",topic="other"} 2"#)
    #expect(samples("projectionist_redelivered").last?.hasSuffix("} 4") == true)
    #expect(
      samples("projectionist_aborted_batches") == [
        #"projectionist_aborted_batches_total{stage="intake",reason="transaction_aborted"} 1"#
      ])
    let step = #"{stage="intake",step="commit_transaction""#
    #expect(
      samples("projectionist_commit_step_seconds_bucket\(step),le=\"0.025\"")[0].hasSuffix(" 0"))
    #expect(
      samples("projectionist_commit_step_seconds_bucket\(step),le=\"0.05\"")[0].hasSuffix(" 2"))
    #expect(samples("projectionist_commit_seconds_sum")[0].hasSuffix(" 0.062"))
    #expect(samples("projectionist_batch_records_sum")[0].hasSuffix(" 12"))
  }

  @Test func agesAreMergedAsTheyAre() throws {
    var counts = [Int64](repeating: 0, count: AgeHistogram.bounds.count + 1)
    (counts[0], counts[5], counts[counts.count - 1]) = (3, 2, 1)
    var summary = batch()
    summary.ages = try #require(AgeHistogram(counts: counts, sum: 10_000_000))
    emit("user", .batchCommitted(summary))
    emit("user", .batchCommitted(summary))
    let freshness = samples("projectionist_freshness_seconds")
    #expect(freshness.count == AgeHistogram.bounds.count + 3)
    #expect(freshness[0] == #"projectionist_freshness_seconds_bucket{stage="user",le="0.001"} 6"#)
    #expect(freshness[5] == #"projectionist_freshness_seconds_bucket{stage="user",le="0.05"} 10"#)
    #expect(freshness[freshness.count - 2].hasSuffix(" 20000"))
    #expect(freshness[freshness.count - 1].hasSuffix(" 12"))
  }

  @Test func verdicts() {
    var summary = batch()
    summary.judged = VerdictCounts(
      valid: 6, invalid: 3, oversized: 1, failed: ["expect_a": 3, "expect_b": 1],
      coerced: ["spelling": 2])
    emit("intake", .batchCommitted(summary))
    var repeats = batch()
    repeats.judged = VerdictCounts(failed: ["expect_unique": 2])
    emit("user", .batchCommitted(repeats))
    #expect(
      samples("projectionist_verdicts") == [
        #"projectionist_verdicts_total{stage="intake",verdict="valid"} 6"#,
        #"projectionist_verdicts_total{stage="intake",verdict="invalid"} 3"#,
      ])
    #expect(
      samples("projectionist_dead_letters") == [
        #"projectionist_dead_letters_total{stage="intake",reason="validation_failed"} 2"#,
        #"projectionist_dead_letters_total{stage="intake",reason="too_large"} 1"#,
      ])
    #expect(
      Set(samples("projectionist_failed_expectations")) == [
        #"projectionist_failed_expectations_total{stage="intake",expectation="expect_a"} 3"#,
        #"projectionist_failed_expectations_total{stage="intake",expectation="expect_b"} 1"#,
        #"projectionist_failed_expectations_total{stage="user",expectation="expect_unique"} 2"#,
      ])
    #expect(samples("projectionist_coerced_events")[0].hasSuffix(#"coercion="spelling"} 2"#))
  }

  @Test func requests() {
    var summary = batch()
    var requests = RequestSummary()
    for _ in 0..<3 { requests.count(.personal) }
    requests.count(.late)
    requests.countRefused(code: "invalid_json")
    for overlap in [0, 0.7, 0.7, 1] { requests.countOverlap(overlap) }
    summary.requests = requests
    emit("predict", .batchCommitted(summary))
    #expect(
      samples("projectionist_requests") == [
        #"projectionist_requests_total{outcome="answered",strategy="personal"} 3"#,
        #"projectionist_requests_total{outcome="answered",strategy="popular"} 0"#,
        #"projectionist_requests_total{outcome="refused",strategy="none"} 1"#,
        #"projectionist_requests_total{outcome="late",strategy="none"} 1"#,
        #"projectionist_requests_total{outcome="old",strategy="none"} 0"#,
        #"projectionist_requests_total{outcome="forwarded",strategy="none"} 0"#,
      ])
    #expect(
      samples("projectionist_refused") == [
        #"projectionist_refused_requests_total{code="invalid_json"} 1"#
      ])
    let overlap = samples("projectionist_shadow_overlap_ratio")
    #expect(overlap[0].hasSuffix(#"{le="0.0"} 1"#) && overlap[7].hasSuffix(#"{le="0.7"} 3"#))
    #expect(
      overlap.suffix(2) == [
        "projectionist_shadow_overlap_ratio_sum 2.4", "projectionist_shadow_overlap_ratio_count 4",
      ])
  }

  @Test func redis() {
    var summary = batch()
    summary.projected = ProjectionSummary(
      written: 8, fenced: 2, replaced: 1, duration: .milliseconds(40))
    emit("redis", .batchCommitted(summary))
    // A batch without rows asks Redis nothing.
    summary.projected = ProjectionSummary()
    emit("redis", .batchCommitted(summary))
    #expect(
      samples("projectionist_redis_rows") == [
        #"projectionist_redis_rows_total{outcome="written"} 8"#,
        #"projectionist_redis_rows_total{outcome="fenced"} 2"#,
        #"projectionist_redis_rows_total{outcome="replaced"} 1"#,
      ])
    #expect(samples("projectionist_redis_write_seconds_count")[0].hasSuffix(" 1"))
    emit("redis", .waiting(reason(.redisUnavailable)))
    #expect(
      samples("projectionist_wait") == [
        #"projectionist_waits_total{stage="redis",reason="redis_unavailable"} 1"#,
        #"projectionist_waiting{stage="redis",reason="redis_unavailable"} 1"#,
      ])
    #expect(
      samples(#"projectionist_stage_phase{stage="redis",phase="waiting"}"#)[0].hasSuffix(" 1"))
    emit("redis", .resumed)
    #expect(samples("projectionist_waiting").isEmpty)
    #expect(
      samples(#"projectionist_stage_phase{stage="redis",phase="waiting"}"#)[0].hasSuffix(" 0"))
  }

  @Test func lag() {
    let lag = #"{stage="intake",topic="user-ratings",partition="3"}"#
    func seconds() -> String? { samples("projectionist_lag_seconds\(lag)").first }
    emit("intake", .batchCommitted(batch(next: 10, end: 10)))
    #expect(seconds() == "projectionist_lag_seconds\(lag) 0")
    pass(milliseconds: 60_000)
    emit("intake", .positions([Self.source: PartitionPosition(nextOffset: 10, endOffset: 10)]))
    pass(milliseconds: 1_500)
    // What waits came since a minute ago, however old the last record is.
    emit(
      "intake",
      .batchCommitted(batch(next: 12, end: 40, newest: 1_600_000_000_000)))
    #expect(samples("projectionist_lag_records") == ["projectionist_lag_records\(lag) 28"])
    #expect(samples("projectionist_next_offset") == ["projectionist_next_offset\(lag) 12"])
    #expect(seconds() == "projectionist_lag_seconds\(lag) 1.5")
    pass(milliseconds: 500)
    #expect(seconds() == "projectionist_lag_seconds\(lag) 2", "it goes on without an event")
    let now = time.time.withLock { $0 }
    emit("intake", .batchCommitted(batch(next: 14, end: 40, newest: now - 250)))
    #expect(seconds() == "projectionist_lag_seconds\(lag) 0.25")
    // A partition that was another's meanwhile is a new one.
    emit("intake", .revoked([Self.source]))
    pass(milliseconds: 5_000)
    emit("intake", .positions([Self.source: PartitionPosition(nextOffset: 20, endOffset: 40)]))
    #expect(seconds() == "projectionist_lag_seconds\(lag) 0")
    emit("intake", .rejoining(reason(.partitionsLost), attempt: 1))
    #expect(samples("projectionist_lag").isEmpty, "they may be another member's by now")
  }

  @Test func rebalances() {
    emit("user", .assigned([Self.source]))
    pass(milliseconds: 2_000)
    emit("user", .processing([Self.source]))
    emit("user", .revoked([Self.source]))
    emit("user", .lost([Self.source]))
    emit("user", .fenced(reason(.fenced)))
    #expect(samples("projectionist_rebalance_seconds_sum")[0].hasSuffix(" 2"))
    #expect(
      samples("projectionist_rebalances") == [
        #"projectionist_rebalances_total{stage="user",change="assigned"} 1"#,
        #"projectionist_rebalances_total{stage="user",change="revoked"} 1"#,
        #"projectionist_rebalances_total{stage="user",change="lost"} 1"#,
      ])
    #expect(samples("projectionist_fences").count == 1)
  }

  @Test func restores() {
    func status(_ applied: Int64, _ changelog: String = "log") -> EngineEvent.Kind {
      .restoring(
        RestoreStatus(
          changelog: changelog, partitions: 2, applied: applied, total: 1_000,
          elapsed: .seconds(2)))
    }
    emit("user", status(0))
    emit("user", status(500))
    emit("movie", status(200, "other"), role: .standby)
    let left = samples("projectionist_restore_remaining_records")
    #expect(
      Set(left) == [
        #"projectionist_restore_remaining_records{stage="user",role="stage"} 500"#,
        #"projectionist_restore_remaining_records{stage="movie",role="standby"} 800"#,
      ])
    let user = #"{stage="user",role="stage"}"#
    #expect(samples("projectionist_restore_records_per_second\(user)")[0].hasSuffix(" 250"))
    #expect(samples("projectionist_restore_left_seconds\(user)")[0].hasSuffix(" 2"))
    emit(
      "user",
      .restored(
        RestoreSummary(changelog: "log", partitions: 2, records: 900, duration: .seconds(4))))
    emit("movie", .stopped(nil), role: .standby)
    #expect(samples("projectionist_restore_remaining").isEmpty)
    #expect(samples("projectionist_restored_records")[0].hasSuffix("\(user) 900"))
    #expect(samples("projectionist_restore_seconds_sum")[0].hasSuffix(" 4"))
  }

  @Test func models() {
    var choice = ModelChoice(serving: "2024-a", candidate: nil, shadow: "2024-b")
    choice.servingSince = 1_700_000_000_000 - 3_600_000
    choice.newestRating = 1_700_000_000_000 - 86_400_000
    emit("predict", .modelsChanged(choice))
    let counts = HitCounts(
      shadow: "2024-b", against: "2024-a", judged: 8, liveHits: 4, liveLiked: 1, shadowHits: 2,
      shadowLiked: 1)
    for partition in Int32(0)..<2 {
      emit("predict", .hitsCounted(partition: partition, counts))
      emit("predict", .hitsCounted(partition: partition, counts))
    }
    #expect(
      samples("projectionist_model") == [
        #"projectionist_model_info{role="serving",version="2024-a"} 1"#,
        #"projectionist_model_info{role="shadow",version="2024-b"} 1"#,
        "projectionist_model_age_seconds 3600", "projectionist_model_data_age_seconds 86400",
      ])
    #expect(
      samples("projectionist_shadow_hit_ratio") == [
        #"projectionist_shadow_hit_ratio{list="live"} 0.5"#,
        #"projectionist_shadow_hit_ratio{list="shadow"} 0.25"#,
      ])
    choice.serving = "2024-c"
    emit("predict", .modelsChanged(choice))
    #expect(samples("projectionist_model_info").count == 2, "one that left leaves no series")
  }

  /// No label takes free text, whatever an event says.
  @Test func labelsAreCodes() {
    for code in Reason.Code.allCases {
      emit("user", .waiting(reason(code)))
      emit("user", .rejoining(reason(code), attempt: 1))
      emit("user", .batchAborted(reason(code)))
    }
    #expect(!MetricsPage(metrics.collect(), accept: nil).text.contains("free text"))
    #expect(samples("projectionist_waits").count == Reason.Code.allCases.count)
  }
}
