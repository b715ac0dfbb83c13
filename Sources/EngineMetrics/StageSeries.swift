import Metrics
import Streams

/// The series that a stage's batches update, looked up once.
struct StageSeries {
  private let stage: String
  private let redelivered: CounterSeries
  private let batches: CounterSeries
  private let freshness: HistogramSeries
  private let size: HistogramSeries
  private let open: HistogramSeries
  private let commit: HistogramSeries
  private var steps: [CommitStep: HistogramSeries] = [:]
  private var consumed: [String?: Volume] = [:]
  private var produced: [String?: Volume] = [:]
  // Of stages that judge, answer or project.
  private var verdicts: VerdictSeries?
  private var requests: RequestSeries?
  private var rows: RowSeries?

  private struct Volume {
    var records: CounterSeries
    var bytes: CounterSeries
  }

  init(_ stage: String, in store: inout MetricStore) {
    let labels = StageLabels(stage: stage)
    self.stage = stage
    redelivered = store.series(EngineCounters.redelivered, labels)
    batches = store.series(EngineCounters.batches, labels)
    freshness = store.series(EngineCounters.freshness, labels)
    size = store.series(EngineCounters.batchSize, labels)
    open = store.series(EngineCounters.open, labels)
    commit = store.series(EngineCounters.commit, labels)
  }

  mutating func add(_ batch: BatchSummary, to store: inout MetricStore) {
    store.add(1, to: batches)
    if batch.redeliveries > 0 { store.add(Double(batch.redeliveries), to: redelivered) }
    store.observe(Double(batch.records), in: size)
    store.observe(batch.open.seconds, in: open)
    store.observe(batch.commit.seconds, in: commit)
    store.merge(batch.ages, into: freshness)
    for time in batch.steps { store.observe(time.duration.seconds, in: series(time.step, &store)) }
    for tally in batch.inputs { addConsumed(tally, to: &store) }
    for tally in batch.outputs { addProduced(tally, to: &store) }
    addReport(batch, to: &store)
  }

  private mutating func addReport(_ batch: BatchSummary, to store: inout MetricStore) {
    if !batch.judged.isEmpty {
      if verdicts == nil { verdicts = VerdictSeries(stage) }
      verdicts?.add(batch.judged, to: &store)
    }
    if let summary = batch.requests {
      if requests == nil { requests = RequestSeries(in: &store) }
      requests?.add(summary, answered: batch.completed, to: &store)
    }
    if let summary = batch.projected {
      if rows == nil { rows = RowSeries(in: &store) }
      rows?.add(summary, batch.completed, to: &store)
    }
  }

  private mutating func series(_ step: CommitStep, _ store: inout MetricStore)
    -> HistogramSeries
  {
    if let known = steps[step] { return known }
    let series = store.series(EngineCounters.step, StepLabels(stage: stage, step: step))
    steps[step] = series
    return series
  }

  private mutating func addConsumed(_ tally: TopicTally, to store: inout MetricStore) {
    let labels = TopicLabels(stage: stage, topic: tally.topic)
    let volume =
      consumed[tally.topic]
      ?? Volume(
        records: store.series(EngineCounters.consumedRecords, labels),
        bytes: store.series(EngineCounters.consumedBytes, labels))
    consumed[tally.topic] = volume
    store.add(tally, to: volume.records, volume.bytes)
  }

  private mutating func addProduced(_ tally: TopicTally, to store: inout MetricStore) {
    let labels = TopicLabels(stage: stage, topic: tally.topic)
    let volume =
      produced[tally.topic]
      ?? Volume(
        records: store.series(EngineCounters.producedRecords, labels),
        bytes: store.series(EngineCounters.producedBytes, labels))
    produced[tally.topic] = volume
    store.add(tally, to: volume.records, volume.bytes)
  }
}

extension MetricStore {
  fileprivate mutating func add(
    _ tally: TopicTally, to records: CounterSeries, _ bytes: CounterSeries
  ) {
    add(Double(tally.records), to: records)
    add(Double(tally.bytes), to: bytes)
  }

  mutating func merge(_ ages: AgeHistogram, into series: HistogramSeries) {
    if !ages.isEmpty { merge(ages.counts, sum: Double(ages.sum) / 1_000, into: series) }
  }
}

extension Duration {
  var seconds: Double { self / .seconds(1) }
}
