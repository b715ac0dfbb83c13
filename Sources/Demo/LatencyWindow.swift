/// Quantiles of the latencies of the last while.
struct LatencyWindow {
  private let span: Duration
  private var samples: [(at: ContinuousClock.Instant, milliseconds: Double)] = []

  /// - Parameter span: how long a sample counts.
  init(span: Duration) {
    self.span = span
  }

  mutating func record(_ milliseconds: Double, at now: ContinuousClock.Instant) {
    samples.append((now, milliseconds))
    forget(now)
  }

  /// The latency that a share of the samples did not exceed (nearest rank); `nil` without samples.
  ///
  /// - Parameter shares: 0...1 each.
  mutating func quantiles(_ shares: [Double], at now: ContinuousClock.Instant) -> [Double]? {
    forget(now)
    guard !samples.isEmpty else { return nil }
    let sorted = samples.map(\.milliseconds).sorted()
    return shares.map { share in
      let rank = Int((share * Double(sorted.count)).rounded(.up))
      return sorted[min(max(rank, 1), sorted.count) - 1]
    }
  }

  private mutating func forget(_ now: ContinuousClock.Instant) {
    let kept = samples.firstIndex { now - $0.at <= span } ?? samples.endIndex
    samples.removeSubrange(..<kept)
  }
}
