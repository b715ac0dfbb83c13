import Metrics
import Streams

/// The series of a stage that answers requests.
struct RequestSeries {
  private let outcomes: [(outcome: RequestSummary.Outcome, series: CounterSeries)]
  private let duration: HistogramSeries
  private var refused: [String: CounterSeries] = [:]
  /// `nil` until a shadow answers.
  private var overlap: HistogramSeries?

  init(in store: inout MetricStore) {
    outcomes = RequestSummary.Outcome.allCases.map { outcome in
      (outcome, store.series(EngineCounters.requests, RequestLabels(outcome: outcome)))
    }
    duration = store.series(EngineCounters.request, NoLabels())
  }

  mutating func add(
    _ requests: RequestSummary, answered: AgeHistogram, to store: inout MetricStore
  ) {
    for (outcome, series) in outcomes {
      if let count = requests.outcomes[outcome] { store.add(Double(count), to: series) }
    }
    for (code, count) in requests.refused {
      let series =
        refused[code] ?? store.series(EngineCounters.refused, ErrorLabels(code: code))
      refused[code] = series
      store.add(Double(count), to: series)
    }
    store.merge(answered, into: duration)
    if !requests.overlaps.isEmpty { addOverlaps(requests.overlaps, to: &store) }
  }

  private mutating func addOverlaps(_ overlaps: [Int: Int64], to store: inout MetricStore) {
    var counts = [Int64](repeating: 0, count: EngineCounters.overlap.bounds.count + 1)
    var sum = 0.0
    for (shared, count) in overlaps where counts.indices.contains(shared) {
      counts[shared] += count
      sum += Double(shared) / 10 * Double(count)
    }
    let series = overlap ?? store.series(EngineCounters.overlap, NoLabels())
    overlap = series
    store.merge(counts, sum: sum, into: series)
  }
}
