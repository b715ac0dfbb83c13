import Testing

@testable import Streams

@Suite struct RetryPausesTests {
  private func first(_ count: Int, _ pauses: RetryPauses) -> [Duration] {
    var pauses = pauses
    return (0..<count).map { _ in pauses.next() }
  }

  @Test func pausesDoubleUpToABound() {
    let milliseconds = [100, 200, 400, 800, 1_600, 3_200, 5_000, 5_000]
    #expect(first(8, .growing) == milliseconds.map { .milliseconds($0) })
    let fromASecond = [1, 2, 4, 5, 5].map { Duration.seconds($0) }
    #expect(first(5, .growing(from: .seconds(1))) == fromASecond)
    #expect(first(200, .growing).last == .seconds(5))
  }

  @Test func theLogIsAskedAtAnEvenPace() {
    #expect(Set(first(20, .steady)) == [.milliseconds(100)])
  }

  @Test func codesOfTheProjectionAreKnownByTheirNames() {
    let codes = Reason.Code.allCases.filter(\.concernsProjection)
    #expect(codes.contains(.redisClaimed) && codes.contains(.redisTLS))
    #expect(!codes.contains(.brokerUnavailable))
  }
}
