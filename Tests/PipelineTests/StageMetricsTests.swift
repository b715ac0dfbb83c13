import EngineMetrics
import EventLog
import Metrics
import Recommender
import Simulation
import Streams
import Testing

@testable import Pipeline

/// The stages' own batches, as metrics.
@Suite struct StageMetricsTests {
  private static let second: Int64 = 1_700_000_000
  private let metrics = EngineMetrics { StageMetricsTests.second * 1_000 + 30_000 }

  private var run: Chain.Run {
    var run = Chain.Run()
    run.events = metrics.sink
    // All events are half a minute old.
    run.time = { Self.second * 1_000 + 30_000 }
    return run
  }

  private var lines: Set<String> {
    Set(
      MetricsPage(metrics.collect(), accept: nil).text.split(separator: "\n").map(String.init))
  }

  private func expect(_ lines: [String], _ place: SourceLocation = #_sourceLocation) {
    for line in lines where !self.lines.contains(line) {
      let name = line.prefix { $0 != "{" && $0 != " " }
      let like = self.lines.filter { $0.hasPrefix(name) }.sorted().joined(separator: "\n")
      Issue.record("\(line) is not there, but\n\(like)", sourceLocation: place)
    }
  }

  @Test func fromRatingsToFeatures() throws {
    let chain = Chain()
    try chain.addMovie(1, genres: "Drama")
    for user in Int64(1)...3 { try chain.rate(user, 1, 4, at: Self.second) }
    // The first again, one that no rule takes, and one in a form that is understood.
    try chain.rate(1, 1, 4, at: Self.second)
    try chain.rate(2, 1, 9, at: Self.second)
    try chain.log.append(
      to: TopicPartition(Topics.userRatings, 0), key: nil,
      value: Array(#"{"userId":4,"movieId":1,"rating":3,"timestamp":\#(Self.second)}"#.utf8),
      timestamp: Self.second * 1_000)
    try chain.runIntake(run)
    try chain.runUser(run)
    try chain.runMovie(run)
    let input = #"{stage="intake",topic="user-ratings"}"#
    let output = #"{stage="intake",topic="validated-ratings"}"#
    expect([
      "projectionist_consumed_records_total\(input) 6",
      "projectionist_produced_records_total\(output) 5",
      #"projectionist_produced_records_total{stage="intake",topic="user-ratings-dlq"} 1"#,
      #"projectionist_produced_records_total{stage="intake",topic="validation-results"} 6"#,
      #"projectionist_verdicts_total{stage="intake",verdict="valid"} 5"#,
      #"projectionist_verdicts_total{stage="intake",verdict="invalid"} 1"#,
      #"projectionist_dead_letters_total{stage="intake",reason="validation_failed"} 1"#,
      #"projectionist_coerced_events_total{stage="intake",coercion="spelling"} 1"#,
      #"projectionist_failed_expectations_total{stage="intake",expectation="expect_column_values_to_be_between:rating"} 1"#,
      #"projectionist_consumed_records_total{stage="user",topic="validated-ratings"} 5"#,
      #"projectionist_freshness_seconds_bucket{stage="user",le="10.0"} 0"#,
      #"projectionist_freshness_seconds_bucket{stage="user",le="30.0"} 5"#,
      #"projectionist_freshness_seconds_sum{stage="user"} 150"#,
      #"projectionist_freshness_seconds_count{stage="movie"} 4"#,
      #"projectionist_lag_records{stage="user",topic="validated-ratings",partition="0"} 0"#,
      #"projectionist_stage_phase{stage="user",phase="stopped"} 1"#,
    ])
    let bytes = try chain.records(Topics.validatedRatings)
      .reduce(0) { $0 + ($1.key?.count ?? 0) + ($1.value?.count ?? 0) }
    expect(["projectionist_produced_bytes_total\(output) \(bytes)"])
    let changes = try chain.records(Topics.userChangelog).count
    expect([
      "projectionist_produced_records_total{stage=\"user\",topic=\"\(Topics.userChangelog)\"} \(changes)"
    ])
  }

  /// What an aborted batch did is counted when it is done again, and once.
  @Test func anAbortedBatchCountsOnce() throws {
    let chain = Chain()
    for user in Int64(1)...3 { try chain.rate(user, 1, 4, at: Self.second) }
    var failing = run
    failing.faults = { moment in
      moment.effect == .commitTransaction && moment.number == 1
        ? .fail(LogError(.transactionAborted, "no", reaction: .abortBatch)) : nil
    }
    try chain.runIntake(failing)
    expect([
      #"projectionist_aborted_batches_total{stage="intake",reason="transaction_aborted"} 1"#,
      #"projectionist_consumed_records_total{stage="intake",topic="user-ratings"} 3"#,
      #"projectionist_produced_records_total{stage="intake",topic="validated-ratings"} 3"#,
      #"projectionist_freshness_seconds_count{stage="intake"} 3"#,
      #"projectionist_verdicts_total{stage="intake",verdict="valid"} 3"#,
    ])
  }

  /// A row counts by the newest record that is in it.
  @Test func rowsInRedis() throws {
    let bed = ProjectionBed(partitions: 1)
    try bed.rate(1...3, at: Self.second)
    // Another rating of the first user, ten seconds later.
    try bed.chain.rate(1, 7, 4, at: Self.second + 11)
    try bed.chain.runIntake()
    try bed.chain.runUser()
    try bed.run(events: metrics.sink, time: Self.second * 1_000 + 30_000)
    let users = try bed.chain.newest(Topics.userFeatures)
    let movies = try bed.chain.newest(Topics.movieFeatures)
    let rows = Array(users.values) + Array(movies.values)
    let ages = rows.reduce(0) { $0 + Self.second * 1_000 + 30_000 - $1.timestamp }
    #expect(users.count == 3 && ages > 0)
    expect([
      #"projectionist_redis_rows_total{outcome="written"} \#(rows.count)"#,
      #"projectionist_redis_rows_total{outcome="fenced"} 0"#,
      "projectionist_redis_freshness_seconds_count \(rows.count)",
      "projectionist_redis_freshness_seconds_sum \(Self.text(ages))",
    ])
  }

  private static func text(_ milliseconds: Int64) -> String {
    milliseconds % 1_000 == 0 ? "\(milliseconds / 1_000)" : "\(Double(milliseconds) / 1_000)"
  }

  @Test func requests() throws {
    let bed = ServingBed()
    for (number, value) in [#"{"user_id":1}"#, #"{"user_id":2}"#, "{"].enumerated() {
      try bed.chain.log.append(
        to: TopicPartition(Topics.requests, 0), key: nil, value: Array(value.utf8),
        timestamp: Self.second * 1_000 + Int64(number) * 10_000)
    }
    var serving = Chain.Serving()
    serving.time = { Self.second * 1_000 + 30_000 }
    try bed.chain.runPredict(serving, run)
    expect([
      #"projectionist_requests_total{outcome="answered",strategy="popular"} 2"#,
      #"projectionist_requests_total{outcome="answered",strategy="personal"} 0"#,
      #"projectionist_requests_total{outcome="refused",strategy="none"} 1"#,
      #"projectionist_refused_requests_total{code="invalid_json"} 1"#,
      "projectionist_request_seconds_count 2", "projectionist_request_seconds_sum 50",
      #"projectionist_batch_records_sum{stage="predict"} 3"#,
    ])
  }
}
