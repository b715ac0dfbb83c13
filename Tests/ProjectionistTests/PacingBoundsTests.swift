import Testing

@testable import SampleData
@testable import projectionist

@Suite("Pacing at the bounds of --rate")
struct PacingBoundsTests {
  @Test("the widest and the narrowest rate allowed can be waited for")
  func bounds() {
    for rate in [NumberBounds.rate.lowerBound, NumberBounds.rate.upperBound] {
      let pacing = Pacing(perSecond: rate)
      pacing.wait(after: 0, since: .now)
      #expect(pacing.due(after: .zero) == 1)
    }
    let slowest = Pacing(perSecond: NumberBounds.rate.lowerBound)
    #expect(slowest.time(of: NumberBounds.events.upperBound) > .seconds(1e14))
  }
}
