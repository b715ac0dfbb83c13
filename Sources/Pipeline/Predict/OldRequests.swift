import Logging

/// Requests that were dropped because of their age, to be told of now and then: they may have come
/// from a sender whose clock is behind, who then never gets an answer.
struct OldRequests {
  private static let interval = Duration.seconds(30)

  private var count = 0
  /// The age of the youngest.
  private var age = Int64.max
  private var told: ContinuousClock.Instant?

  /// - Parameter milliseconds: how old the request is by its record's time.
  mutating func note(age milliseconds: Int64) {
    count += 1
    age = min(age, milliseconds)
  }

  /// Logs what has been noted since the last time, unless that was just now.
  mutating func report(
    to logger: Logger, maxAge: Duration, now: @autoclosure () -> ContinuousClock.Instant
  ) {
    guard count > 0 else { return }
    let now = now()
    if let told, now - told < Self.interval { return }
    logger.warning(
      "requests were dropped: they are older than predict.max_age, or their sender's clock is behind",
      metadata: [
        "requests": "\(count)", "max_age_ms": "\(Int64(maxAge / .milliseconds(1)))",
        "youngest_age_ms": "\(age)",
      ])
    (count, age, told) = (0, .max, now)
  }
}
