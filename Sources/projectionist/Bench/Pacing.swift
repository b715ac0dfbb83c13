/// An even stream of events at a rate: which are due when. Behind after a stall, it catches up.
struct Pacing: Sendable {
  let perSecond: Double

  /// - Parameter perSecond: above 0.
  init(perSecond: Double) {
    precondition(perSecond > 0)
    self.perSecond = perSecond
  }

  /// How many events are due in all, so long after the start; the first one at once.
  func due(after elapsed: Duration) -> Int {
    elapsed < .zero ? 0 : Int(elapsed / .seconds(1) * perSecond) + 1
  }

  /// When the event after `count` others is due.
  func time(of count: Int) -> Duration {
    .seconds(Double(count) / perSecond)
  }
}
