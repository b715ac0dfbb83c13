import Foundation

/// What happened, in order, for threads that wait for it.
final class Record: @unchecked Sendable {
  private static let deadline: TimeInterval = 30
  /// How often a condition is checked that nobody announces.
  private static let interval: TimeInterval = 0.001

  struct TimedOut: Error {
    var what: String
  }

  /// Guards the texts, which makes the class `Sendable`.
  private let condition = NSCondition()
  private var texts: [String] = []

  var notes: [String] { condition.withLock { texts } }

  func note(_ text: String) {
    condition.withLock {
      texts.append(text)
      condition.broadcast()
    }
  }

  /// Waits on the calling thread until the notes are such.
  func wait(_ what: String, _ isFulfilled: ([String]) -> Bool) throws {
    let end = Date(timeIntervalSinceNow: Self.deadline)
    try condition.withLock {
      while !isFulfilled(texts) {
        _ = condition.wait(until: min(end, Date(timeIntervalSinceNow: Self.interval)))
        guard Date() < end else { throw TimedOut(what: what) }
      }
    }
  }
}
