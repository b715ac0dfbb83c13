import EventLog
import Metrics
import Streams

/// What the engine's events say of the present.
enum EngineGauges {
  static let lag = Gauge<PartitionLabels>(
    "projectionist_lag_records",
    "Records that the stage has yet to process, as of its newest fetch; markers count")
  static let lagTime = Gauge<PartitionLabels>(
    "projectionist_lag_seconds", unit: .seconds,
    "How long the oldest of them may have waited at the most; 0 without any")
  static let nextOffset = Gauge<PartitionLabels>(
    "projectionist_next_offset", "Offset of the next record to process")
  static let partitions = Gauge<StageLabels>(
    "projectionist_assigned_partitions", "Partitions that the stage owns")
  static let phase = Gauge<PhaseLabels>(
    "projectionist_stage_phase", "1 for the phase that the stage is in, 0 for the others")
  static let waiting = Gauge<ReasonLabels>(
    "projectionist_waiting", "1 while something outside blocks the stage, by reason")

  static let restoreLeft = Gauge<RoleLabels>(
    "projectionist_restore_remaining_records", "Changelog offsets that a restore has yet to pass")
  static let restoreRate = Gauge<RoleLabels>(
    "projectionist_restore_records_per_second", "Changelog offsets that a restore passes")
  static let restoreTime = Gauge<RoleLabels>(
    "projectionist_restore_left_seconds", unit: .seconds, "Time that a restore still takes")

  static let model = Info<ModelLabels>(
    "projectionist_model", "The models that answer or wait for their promotion")
  static let modelAge = Gauge<NoLabels>(
    "projectionist_model_age_seconds", unit: .seconds, "Time since the serving model was promoted")
  static let modelDataAge = Gauge<NoLabels>(
    "projectionist_model_data_age_seconds", unit: .seconds,
    "Time since the newest rating that the serving model was trained on")
  static let hits = Gauge<ListLabels>(
    "projectionist_shadow_hit_ratio", unit: .ratio,
    "Share of judged answers whose next rating was in the list, of the one shown and the shadow's")

  static let families: [MetricFamily] = [
    lag.family, lagTime.family, nextOffset.family, partitions.family, phase.family,
    waiting.family, restoreLeft.family, restoreRate.family, restoreTime.family, model.family,
    modelAge.family, modelDataAge.family, hits.family,
  ]
}
