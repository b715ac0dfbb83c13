import Histogram

/// Durations, kept to three digits.
struct LatencyHistogram: Sendable {
  /// In nanoseconds.
  private var histogram = Histogram<UInt64>(numberOfSignificantValueDigits: .three)

  var count: Int { Int(histogram.totalCount) }

  mutating func record(_ latency: Duration) {
    let (seconds, attoseconds) = latency.components
    histogram.record(UInt64(max(0, seconds * 1_000_000_000 + attoseconds / 1_000_000_000)))
  }

  private func milliseconds(_ nanoseconds: UInt64) -> Double { Double(nanoseconds) / 1e6 }

  /// p50, p95, p99 and the longest.
  var figures: [Figure] {
    func percentile(_ percent: Double) -> Double {
      count == 0 ? 0 : milliseconds(histogram.valueAtPercentile(percent))
    }
    return [
      .decimal("p50", "ms", "p50_milliseconds", percentile(50), digits: 2),
      .decimal("p95", "ms", "p95_milliseconds", percentile(95), digits: 2),
      .decimal("p99", "ms", "p99_milliseconds", percentile(99), digits: 2),
      .decimal(
        "max", "ms", "max_milliseconds", count == 0 ? 0 : milliseconds(histogram.maxRecorded),
        digits: 2),
    ]
  }
}
