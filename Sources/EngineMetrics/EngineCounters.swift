import Metrics
import Streams

/// What the engine's events add up to.
enum EngineCounters {
  // MARK: Records

  static let consumedRecords = Counter<TopicLabels>(
    "projectionist_consumed_records", "Input records in committed batches")
  static let consumedBytes = Counter<TopicLabels>(
    "projectionist_consumed_bytes", unit: .bytes,
    "Bytes of the keys and values of input records in committed batches")
  static let producedRecords = Counter<TopicLabels>(
    "projectionist_produced_records", "Records sent by committed batches, changelogs included")
  static let producedBytes = Counter<TopicLabels>(
    "projectionist_produced_bytes", unit: .bytes,
    "Bytes of the keys and values of records sent by committed batches")
  static let redelivered = Counter<StageLabels>(
    "projectionist_redelivered_records",
    "Records dropped because they were below their partition's position")
  static let freshness = Histogram<StageLabels>(
    "projectionist_freshness_seconds", unit: .seconds, bounds: ages,
    "Age of every input record at its batch's commit; of stage user, from event to features")

  // MARK: Batches

  static let batches = Counter<StageLabels>("projectionist_batches", "Committed batches")
  static let aborted = Counter<ReasonLabels>(
    "projectionist_aborted_batches", "Batches discarded and read again, by reason")
  static let batchSize = Histogram<StageLabels>(
    "projectionist_batch_records",
    bounds: [
      1, 2, 5, 10, 20, 50, 100, 200, 500, 1_000, 2_000, 5_000, 10_000, 50_000, 100_000, 500_000,
    ], "Input records of a committed batch; of stage predict, requests answered together")
  static let open = Histogram<StageLabels>(
    "projectionist_batch_open_seconds", unit: .seconds, bounds: durations,
    "Time from a batch's first record to its commit")
  static let commit = Histogram<StageLabels>(
    "projectionist_commit_seconds", unit: .seconds, bounds: durations, "Time of a whole commit")
  static let step = Histogram<StepLabels>(
    "projectionist_commit_step_seconds", unit: .seconds, bounds: durations,
    "Time of each step of a commit")

  // MARK: The group

  static let fences = Counter<ReasonLabels>(
    "projectionist_fences", "Times that a newer producer or member took this one's place")
  static let rebalances = Counter<RebalanceLabels>(
    "projectionist_rebalances", "Changes of the stage's partitions by its group")
  static let rebalance = Histogram<StageLabels>(
    "projectionist_rebalance_seconds", unit: .seconds, bounds: longDurations,
    "Time from an assignment until the stage processes, restores included")
  static let rejoins = Counter<ReasonLabels>(
    "projectionist_rejoins", "Times that the stage left its group to join it again, by reason")
  static let waits = Counter<ReasonLabels>(
    "projectionist_waits", "Times that something outside began to block the stage, by reason")

  // MARK: State

  static let rebuilt = Counter<ReasonLabels>(
    "projectionist_rebuilt_stores", "Stores deleted to be rebuilt from their changelog, by reason")
  static let restored = Counter<RoleLabels>(
    "projectionist_restored_records", "Changelog records applied by finished restores")
  static let restore = Histogram<RoleLabels>(
    "projectionist_restore_seconds", unit: .seconds, bounds: longDurations,
    "Time of a finished restore")

  // MARK: Validation

  static let verdicts = Counter<VerdictLabels>(
    "projectionist_verdicts", "Events judged, by verdict")
  static let failed = Counter<ExpectationLabels>(
    "projectionist_failed_expectations",
    "Events that fail a rule, by rule; an event may fail several"
  )
  static let coerced = Counter<CoercionLabels>(
    "projectionist_coerced_events", "Events understood by a coercion, by coercion")
  static let letters = Counter<LetterLabels>(
    "projectionist_dead_letters",
    "Dead letters by reason; too_large is one without the event's value")

  // MARK: Requests

  static let requests = Counter<RequestLabels>(
    "projectionist_requests",
    "Requests by outcome (late: past their deadline) and the strategy of the answer")
  static let refused = Counter<ErrorLabels>(
    "projectionist_refused_requests", "Requests that got an error reply, by its code")
  static let request = Histogram<NoLabels>(
    "projectionist_request_seconds", unit: .seconds, bounds: ages,
    "Time from an answered request's record to the commit of its reply")
  static let overlap = Histogram<NoLabels>(
    "projectionist_shadow_overlap_ratio", unit: .ratio, bounds: (0...10).map { Double($0) / 10 },
    "Share of the ten best movies that a shadow's answer has in common with the one shown")

  // MARK: Redis

  static let rows = Counter<RowLabels>(
    "projectionist_redis_rows",
    "Rows sent to Redis: written, fenced by newer ones, and in the place of keys of another type")
  static let write = Histogram<NoLabels>(
    "projectionist_redis_write_seconds", unit: .seconds, bounds: durations,
    "Time of a batch's write to Redis, answers included")
  static let projection = Histogram<NoLabels>(
    "projectionist_redis_freshness_seconds", unit: .seconds, bounds: ages,
    "Age of the event behind every row sent to Redis, at its batch's commit")

  static let families: [MetricFamily] = [
    consumedRecords.family, consumedBytes.family, producedRecords.family, producedBytes.family,
    redelivered.family, freshness.family, batches.family, aborted.family, batchSize.family,
    open.family, commit.family, step.family, fences.family, rebalances.family, rebalance.family,
    rejoins.family, waits.family, rebuilt.family, restored.family, restore.family,
    verdicts.family, failed.family, coerced.family, letters.family, requests.family,
    refused.family, request.family, overlap.family, rows.family, write.family, projection.family,
  ]

  // MARK: Buckets

  private static let ages = AgeHistogram.bounds.map { Double($0) / 1_000 }
  private static let durations = [
    0.0001, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10,
  ]
  private static let longDurations = [0.01, 0.05, 0.1, 0.5, 1, 5, 10, 30, 60, 300, 900, 3_600]
}
