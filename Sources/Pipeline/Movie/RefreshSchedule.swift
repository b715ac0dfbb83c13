import Ratings

/// Decides when to publish all movies' quality scores again because the prior they share has moved:
/// right after a burst of ratings, and once an interval during a trickle.
///
/// Between two refreshes the score of a movie nobody rates is slightly stale; when the input
/// pauses, every score becomes exact.
struct RefreshSchedule {
  /// How long the input must have paused before a refresh.
  static let rest: Duration = .seconds(1)
  /// A relative change of the prior that is worth a refresh before the interval is over.
  static let driftThreshold = 0.001

  private let interval: Duration
  private var published: CatalogPrior?
  /// Whether a movie was published under another prior since then. The common prior may return to
  /// the published one, and that movie would keep its score.
  private var hasStrays = false
  private var lastRefresh: ContinuousClock.Instant?
  private var lastChange: ContinuousClock.Instant?

  init(interval: Duration) {
    self.interval = interval
  }

  /// Notes that changed movies were published under a prior.
  mutating func noteChange(under prior: CatalogPrior, at now: ContinuousClock.Instant) {
    lastChange = now
    if prior != published { hasStrays = true }
  }

  mutating func noteRefresh(under prior: CatalogPrior, at now: ContinuousClock.Instant) {
    published = prior
    hasStrays = false
    lastRefresh = now
  }

  /// Notes that nothing is known of what is published: movies came from another instance, which had
  /// a prior of its own, or a refresh was rolled back with its batch.
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
