import Testing

@testable import Metrics

struct MetricStoreTests {
  private struct Number: MetricLabels {
    static let names = ["number"]
    var number: Int
    var values: [String] { ["\(number)"] }
  }

  private static let counter = Counter<Number>("app_things", "Things")
  private static let histogram = Histogram<NoLabels>("app_sizes", bounds: [1, 2], "Sizes")

  @Test func aSeriesIsFoundAgain() {
    var store = MetricStore([Self.counter.family])
    let one = store.series(Self.counter, Number(number: 1))
    let two = store.series(Self.counter, Number(number: 2))
    #expect(one != two && store.series(Self.counter, Number(number: 1)) == one)
    store.add(1, to: one)
    store.add(2, to: two)
    store.add(0.5, to: one)
    #expect(store.values == [1.5, 2])
  }

  /// Labels that are not as bounded as somebody thought fill neither memory nor Prometheus.
  @Test func seriesAreBounded() {
    var store = MetricStore([Self.counter.family])
    for number in 0..<MetricStore.mostSeries + 100 {
      store.add(1, to: Self.counter, Number(number: number))
    }
    let series = store.families[0]
    #expect(series.labels.count == MetricStore.mostSeries + 1)
    #expect(series.labels.last == ["other"] && store.values.last == 100)
  }

  @Test func aHistogramTakesValuesAndCounts() {
    var store = MetricStore([Self.histogram.family])
    let series = store.series(Self.histogram, NoLabels())
    for value in [-1, 1, 1.5, 2, 3, .infinity] as [Double] { store.observe(value, in: series) }
    store.merge([5, 0, 7], sum: 40, into: series)
    let value = store.histograms[0]
    #expect(value.counts == [7, 2, 9] && value.sum == .infinity)
  }

  @Test func aCopyIsOfOneMoment() {
    var store = MetricStore([Self.counter.family])
    let series = store.series(Self.counter, Number(number: 1))
    let before = store
    store.add(1, to: series)
    #expect(before.values == [0] && store.values == [1])
  }
}
