import Foundation

/// Holds a stream of events to a rate, by sleeping. Behind after a stall, it catches up.
struct Pacer {
  private let perSecond: Double?
  private let start = ContinuousClock.now
  /// Events from one look at the clock to the next: a millisecond's worth.
  private let stride: Int

  /// - Parameter perSecond: above 0; `nil` never waits.
  init(perSecond: Double?) {
    self.perSecond = perSecond
    stride = max(1, Int((perSecond ?? 0) / 1000))
  }

  /// Waits until it is time for the event after `count` others.
  func wait(after count: Int) {
    guard let perSecond, count % stride == 0 else { return }
    let due = start + .seconds(Double(count) / perSecond)
    let remaining = due - ContinuousClock.now
    if remaining > .zero { Thread.sleep(forTimeInterval: remaining / .seconds(1)) }
  }
}
