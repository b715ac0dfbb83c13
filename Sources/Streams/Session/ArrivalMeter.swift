/// When records came, and when they last came in a flood.
struct ArrivalMeter {
  private(set) var lastArrival: ContinuousClock.Instant
  private(set) var lastFlood: ContinuousClock.Instant
  private let limits: BatchLimits
  private var windowStart: ContinuousClock.Instant
  private var windowRecords = 0

  init(_ limits: BatchLimits, now: ContinuousClock.Instant) {
    self.limits = limits
    lastArrival = now
    lastFlood = now - limits.pause
    windowStart = now
  }

  mutating func count(_ records: Int, at now: ContinuousClock.Instant) {
    guard records > 0 else { return }
    lastArrival = now
    if now - windowStart > limits.pause { (windowStart, windowRecords) = (now, 0) }
    windowRecords += records
    guard windowRecords >= limits.floodRecords else { return }
    lastFlood = now
    (windowStart, windowRecords) = (now, 0)
  }
}
