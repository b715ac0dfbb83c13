import Testing

@testable import projectionist

@Suite("Pacing")
struct PacingTests {
  @Test("events are due evenly, the first at once", arguments: [0.5, 3, 1000, 1234.5])
  func due(rate: Double) {
    let pacing = Pacing(perSecond: rate)
    #expect(pacing.due(after: .seconds(-1)) == 0)
    #expect(pacing.due(after: .zero) == 1)
    for count in [1, 2, 17, 999, 60_000] {
      let time = Duration.seconds(Double(count) / rate)
      #expect(pacing.due(after: time + .microseconds(1)) == count + 1)
      #expect(pacing.due(after: time - .microseconds(1)) == count)
    }
  }

  @Test("a wait lasts until the event is due, and is not silent")
  func wait() {
    let start = ContinuousClock.now
    var looks = 0
    Pacing(perSecond: 50).wait(after: 15, since: start) { looks += 1 }
    #expect(ContinuousClock.now - start >= .milliseconds(300))
    #expect(looks >= 3)
  }

  @Test("who is behind does not wait")
  func behind() {
    var looks = 0
    Pacing(perSecond: 50).wait(after: 15, since: .now - .seconds(1)) { looks += 1 }
    #expect(looks == 0)
  }

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
