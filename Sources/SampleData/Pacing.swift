import Foundation

/// An even stream of events at a rate: which are due when. Behind after a stall, it catches up.
package struct Pacing: Sendable {
  /// So long a wait is without a word at the most.
  private static let nap = Duration.milliseconds(100)

  package let perSecond: Double
  /// Events from one look at the clock to the next: a millisecond's worth.
  private let stride: Int

  /// - Parameter perSecond: above 0, and so few that a second's are an `Int`.
  package init(perSecond: Double) {
    precondition(perSecond > 0 && perSecond < Double(Int.max))
    self.perSecond = perSecond
    stride = max(1, Int(perSecond / 1000))
  }

  /// How many events are due in all, so long after the start; the first one at once.
  package func due(after elapsed: Duration) -> Int {
    elapsed < .zero ? 0 : Int(elapsed / .seconds(1) * perSecond) + 1
  }

  /// When the event after `count` others is due.
  package func time(of count: Int) -> Duration {
    .seconds(Double(count) / perSecond)
  }

  /// Waits until it is time for the event after `count` others, of a stream that began at `start`.
  ///
  /// - Parameter look: called again and again meanwhile.
  package func wait(after count: Int, since start: ContinuousClock.Instant, look: () -> Void = {}) {
    guard count % stride == 0 else { return }
    let due = start + time(of: count)
    while true {
      let remaining = due - ContinuousClock.now
      guard remaining > .zero else { return }
      Thread.sleep(forTimeInterval: min(remaining, Self.nap) / .seconds(1))
      look()
    }
  }
}
