import TestSupport
import Testing

@testable import Metrics

struct ExpositionTests {
  private struct Place: MetricLabels {
    static let names = ["stage", "topic"]
    var stage: String
    var topic: String
    var values: [String] { [stage, topic] }
  }

  private static let records = Counter<Place>("app_records", "Records \"read\",\nwith a \\")
  private static let age = Gauge<NoLabels>("app_age_seconds", unit: .seconds, "Age")
  private static let build = Info<Version>("app_build", "Program")
  private static let delay = Histogram<NoLabels>(
    "app_delay_seconds", unit: .seconds, bounds: [0.1, 1], "Delay")
  private static let unused = Counter<Place>("app_unused", "Nothing")

  private struct Version: MetricLabels {
    static let names = ["version"]
    var version: String
    var values: [String] { [version] }
  }

  private static func store() -> MetricStore {
    var store = MetricStore([
      records.family, age.family, unused.family, build.family, delay.family,
    ])
    store.add(3, to: records, Place(stage: "user", topic: "a \"b\"\n\\"))
    store.add(2.5, to: records, Place(stage: "user", topic: "c"))
    store.set(age, NoLabels(), to: -1.5)
    store.set(build, Version(version: "1.0"))
    let series = store.series(delay, NoLabels())
    for value in [0.05, 0.1, 0.5, 7] { store.observe(value, in: series) }
    return store
  }

  @Test func prometheusText() {
    let page = MetricsPage([Self.store()], accept: nil)
    #expect(page.contentType == "text/plain; version=0.0.4; charset=utf-8")
    #expect(
      page.text == #"""
        # HELP app_records_total Records "read",\nwith a \\
        # TYPE app_records_total counter
        app_records_total{stage="user",topic="a \"b\"\n\\"} 3
        app_records_total{stage="user",topic="c"} 2.5
        # HELP app_age_seconds Age
        # TYPE app_age_seconds gauge
        app_age_seconds -1.5
        # HELP app_build_info Program
        # TYPE app_build_info gauge
        app_build_info{version="1.0"} 1
        # HELP app_delay_seconds Delay
        # TYPE app_delay_seconds histogram
        app_delay_seconds_bucket{le="0.1"} 2
        app_delay_seconds_bucket{le="1.0"} 3
        app_delay_seconds_bucket{le="+Inf"} 4
        app_delay_seconds_sum 7.65
        app_delay_seconds_count 4

        """#)
  }

  @Test func openMetrics() {
    let page = MetricsPage([Self.store()], accept: "application/openmetrics-text")
    #expect(page.contentType == "application/openmetrics-text; version=1.0.0; charset=utf-8")
    #expect(
      page.text == #"""
        # TYPE app_records counter
        # HELP app_records Records \"read\",\nwith a \\
        app_records_total{stage="user",topic="a \"b\"\n\\"} 3
        app_records_total{stage="user",topic="c"} 2.5
        # TYPE app_age_seconds gauge
        # UNIT app_age_seconds seconds
        # HELP app_age_seconds Age
        app_age_seconds -1.5
        # TYPE app_build info
        # HELP app_build Program
        app_build_info{version="1.0"} 1
        # TYPE app_delay_seconds histogram
        # UNIT app_delay_seconds seconds
        # HELP app_delay_seconds Delay
        app_delay_seconds_bucket{le="0.1"} 2
        app_delay_seconds_bucket{le="1.0"} 3
        app_delay_seconds_bucket{le="+Inf"} 4
        app_delay_seconds_sum 7.65
        app_delay_seconds_count 4
        # EOF

        """#)
  }

  @Test(arguments: [
    (0, "0"), (-0.0, "0"), (5, "5"), (0.1, "0.1"), (1e-7, "1e-07"), (0x1p53, "9007199254740992.0"),
    (-3, "-3"), (1e300, "1e+300"), (.infinity, "+Inf"), (-.infinity, "-Inf"), (.nan, "NaN"),
    (-0x1p63, "-9.223372036854776e+18"),
  ])
  func aNumber(_ value: Double, _ text: String) {
    #expect(ExpositionWriter.number(value) == text)
  }

  /// Random stores, read back by a parser that knows the format only.
  @Test(arguments: UInt64(0)..<50, ExpositionFormat.allCases)
  func everyValueIsReadBack(seed: UInt64, format: ExpositionFormat) throws {
    var random = SeededGenerator(seed: seed)
    let bounds = [0.001, 0.5, 1, 250]
    let spread = Histogram<Place>("app_spread", bounds: bounds, "Spread")
    var store = MetricStore([Self.records.family, spread.family])
    var expected: [String: Double] = [:]
    let words = ["", "a", "é\r\n", "\\n", "\"", "x{y=\"z\"} 5", "+Inf"]
    for _ in 0..<Int.random(in: 1...30, using: &random) {
      let labels = Place(
        stage: words.randomElement(using: &random) ?? "",
        topic: words.randomElement(using: &random) ?? "")
      let value = Double.random(in: 0...1e6, using: &random)
      let name = "stage=\(labels.stage)|topic=\(labels.topic)"
      if Bool.random(using: &random) {
        store.add(value, to: Self.records, labels)
        expected["app_records_total|\(name)", default: 0] += value
      } else {
        store.observe(value, in: store.series(spread, labels))
        for bound in bounds + [.infinity] {
          let le = bound.isInfinite ? "+Inf" : "\(bound)"
          expected["app_spread_bucket|\(name)|le=\(le)", default: 0] += value <= bound ? 1 : 0
        }
        expected["app_spread_sum|\(name)", default: 0] += value
        expected["app_spread_count|\(name)", default: 0] += 1
      }
    }
    let page = MetricsPage([store], accept: format.contentType)
    #expect(page.contentType == format.contentType)
    #expect(page.text.hasSuffix("# EOF\n") == (format == .openMetrics))
    #expect(try ExpositionReader.samples(in: page.text) == expected)
  }
}
