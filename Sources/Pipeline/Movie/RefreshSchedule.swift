import Ratings

/// When all movies' quality scores are published again because the prior they share has moved.
///
/// After a burst of ratings, as soon as it is over; after a trickle, once an interval. Between two
/// refreshes a movie nobody rates has a score that is a little old; when the input rests, every
/// score becomes exact.
struct RefreshSchedule {
  /// The input must have rested so long before a refresh.
  static let rest: Duration = .seconds(1)
  /// A prior that has moved by this share is worth a refresh before the interval is over.
  static let driftThreshold = 0.001

  private let interval: Duration
  private var published: CatalogPrior?
  /// Whether a movie was published under another prior since: the one of all may come back.
  private var hasStrays = false
  private var lastRefresh: ContinuousClock.Instant?
  private var lastChange: ContinuousClock.Instant?

  init(interval: Duration) {
    self.interval = interval
  }

  /// Movies have changed and were published under a prior.
  mutating func noteChange(under prior: CatalogPrior, at now: ContinuousClock.Instant) {
    lastChange = now
    if prior != published { hasStrays = true }
  }

  mutating func noteRefresh(under prior: CatalogPrior, at now: ContinuousClock.Instant) {
    published = prior
    hasStrays = false
    lastRefresh = now
  }

  /// Movies have come from another instance, published under a prior of its own; or a refresh may
  /// have been thrown away with its batch.
  mutating func noteNewMovies() {
    published = nil
  }

  func isDue(_ prior: CatalogPrior, at now: ContinuousClock.Instant) -> Bool {
    guard prior.movieCount > 0, prior != published || hasStrays else { return false }
    if let lastChange, now - lastChange < Self.rest { return false }
    guard let published, let lastRefresh else { return true }
    return now - lastRefresh >= interval || drift(from: published, to: prior) > Self.driftThreshold
  }

  private func drift(from old: CatalogPrior, to new: CatalogPrior) -> Double {
    func relative(_ a: Double, _ b: Double) -> Double { a > 0 ? abs(b - a) / a : 1 }
    return max(relative(old.ratingsPerMovie, new.ratingsPerMovie), relative(old.mean, new.mean))
  }
}
