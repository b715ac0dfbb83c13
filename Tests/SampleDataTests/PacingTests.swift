import Testing

@testable import SampleData

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
}
