import Metrics
import Streams

/// The series of a stage that projects features into Redis.
struct RowSeries {
  private let written: CounterSeries
  private let fenced: CounterSeries
  private let replaced: CounterSeries
  private let duration: HistogramSeries
  private let freshness: HistogramSeries

  init(in store: inout MetricStore) {
    written = store.series(EngineCounters.rows, RowLabels(outcome: .written))
    fenced = store.series(EngineCounters.rows, RowLabels(outcome: .fenced))
    replaced = store.series(EngineCounters.rows, RowLabels(outcome: .replaced))
    duration = store.series(EngineCounters.write, NoLabels())
    freshness = store.series(EngineCounters.projection, NoLabels())
  }

  func add(_ rows: ProjectionSummary, _ ages: AgeHistogram, to store: inout MetricStore) {
    // A batch without rows asks Redis nothing.
    guard rows.written + rows.fenced > 0 else { return }
    store.add(Double(rows.written), to: written)
    store.add(Double(rows.fenced), to: fenced)
    store.add(Double(rows.replaced), to: replaced)
    store.observe(rows.duration.seconds, in: duration)
    store.merge(ages, into: freshness)
  }
}
