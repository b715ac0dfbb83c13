/// Tells how long each event took from its production to the features that contain it.
///
/// A user's features record carries the timestamp of the newest event record folded in, and a batch
/// may fold several. So an event has arrived with the first features record of its user that is not
/// older than the event's own record.
struct FreshnessMatcher {
  private struct Waiting {
    /// Of the event's record, in milliseconds.
    var timestamp: Int64
    var produced: ContinuousClock.Instant
    var isCounted: Bool
  }

  private var waiting: [Int64: [Waiting]] = [:]
  /// Events produced whose features have not been seen.
  private(set) var outstanding = 0

  /// - Parameter isCounted: false for an event of the warm-up, which is awaited and not measured.
  mutating func produce(
    user: Int64, timestamp: Int64, at now: ContinuousClock.Instant, isCounted: Bool
  ) {
    waiting[user, default: []].append(
      Waiting(timestamp: timestamp, produced: now, isCounted: isCounted))
    outstanding += 1
  }

  /// Hands the latency of every counted event that the record contains to `body`.
  mutating func arrive(
    user: Int64, timestamp: Int64, at now: ContinuousClock.Instant, _ body: (Duration) -> Void
  ) {
    guard let events = waiting[user] else { return }
    let rest = events.filter { event in
      guard event.timestamp <= timestamp else { return true }
      if event.isCounted { body(now - event.produced) }
      return false
    }
    outstanding -= events.count - rest.count
    waiting[user] = rest.isEmpty ? nil : rest
  }
}
