import Testing

@testable import Console

@Suite struct ProgressBarTests {
  private func done(_ goal: ProgressBar.Goal, _ count: Int, after elapsed: Duration) -> Double? {
    ProgressBar("x", goal: goal).done(count, 0.25, after: elapsed)
  }

  @Test func theFractionIsOfWhatIsKnown() {
    #expect(done(.count(8), 2, after: .seconds(1)) == 0.25)
    #expect(done(.count(8), 9, after: .seconds(1)) == 1)
    #expect(done(.count(0), 0, after: .seconds(1)) == nil)
    #expect(done(.fraction, 7, after: .seconds(1)) == 0.25)
    #expect(done(.time(.seconds(20)), 7, after: .seconds(5)) == 0.25)
    #expect(done(.time(.seconds(20)), 7, after: .seconds(21)) == 1)
    #expect(done(.time(.zero), 7, after: .zero) == nil)
    #expect(done(.unknown, 7, after: .seconds(1)) == nil)
  }

  @Test func countsAreShownWithTheirRate() {
    let bar = ProgressBar("1 client", unit: "replies", goal: .time(.seconds(20)))
    let last = bar.line(12_345, fraction: nil, ends: true, after: .seconds(20))
    #expect(last == "1 client: 12,345 replies  617/s  in 20.0 s")
    let line = bar.line(3_000, fraction: 0.25, ends: true, after: .seconds(5))
    #expect(line.hasPrefix("1 client: ") && line.hasSuffix("3,000 replies  600/s  15.0 s left"))
    #expect(line.contains("25%"))
  }

  @Test func whatCountsNothingShowsItsTime() {
    let bar = ProgressBar("making the topics")
    #expect(
      bar.line(0, fraction: nil, ends: false, after: .seconds(3)) == "making the topics: 3.0 s")
    #expect(
      bar.line(0, fraction: nil, ends: true, after: .seconds(3)) == "making the topics: in 3.0 s")
  }
}
