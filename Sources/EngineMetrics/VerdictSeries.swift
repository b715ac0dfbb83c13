import Metrics
import Streams

/// The series of a stage that judges its input.
struct VerdictSeries {
  private struct Verdicts {
    var valid: CounterSeries
    var invalid: CounterSeries
    var whole: CounterSeries
    var oversized: CounterSeries
  }

  private let stage: String
  /// `nil` in a stage that only finds rules that valid events fail where they meet others.
  private var verdicts: Verdicts?
  private var failed: [String: CounterSeries] = [:]
  private var coerced: [String: CounterSeries] = [:]

  init(_ stage: String) {
    self.stage = stage
  }

  mutating func add(_ counts: VerdictCounts, to store: inout MetricStore) {
    if counts.valid + counts.invalid > 0 { addVerdicts(counts, to: &store) }
    for (rule, count) in counts.failed {
      let series =
        failed[rule]
        ?? store.series(
          EngineCounters.failed, ExpectationLabels(stage: stage, expectation: rule))
      failed[rule] = series
      store.add(Double(count), to: series)
    }
    for (name, count) in counts.coerced {
      let series =
        coerced[name]
        ?? store.series(EngineCounters.coerced, CoercionLabels(stage: stage, coercion: name))
      coerced[name] = series
      store.add(Double(count), to: series)
    }
  }

  private mutating func addVerdicts(_ counts: VerdictCounts, to store: inout MetricStore) {
    let series = verdicts ?? makeVerdicts(in: &store)
    verdicts = series
    store.add(Double(counts.valid), to: series.valid)
    store.add(Double(counts.invalid), to: series.invalid)
    store.add(Double(counts.invalid - counts.oversized), to: series.whole)
    store.add(Double(counts.oversized), to: series.oversized)
  }

  private func makeVerdicts(in store: inout MetricStore) -> Verdicts {
    func verdict(_ verdict: VerdictLabels.Verdict) -> CounterSeries {
      store.series(EngineCounters.verdicts, VerdictLabels(stage: stage, verdict: verdict))
    }
    func letter(_ reason: LetterLabels.Reason) -> CounterSeries {
      store.series(EngineCounters.letters, LetterLabels(stage: stage, reason: reason))
    }
    return Verdicts(
      valid: verdict(.valid), invalid: verdict(.invalid), whole: letter(.validationFailed),
      oversized: letter(.tooLarge))
  }
}
