import Recommender
import Streams

/// What the predict stage has to tell of models: which ones answer, and what a shadow hits.
struct ModelNews {
  /// The least time between two reports of hits.
  private static let pause = Duration.seconds(2)

  private var choice = ModelChoice(serving: nil, candidate: nil, shadow: nil)
  private var events: [EngineEvent.Kind] = []
  private var toldAt: ContinuousClock.Instant?

  /// Notes which models answer now.
  mutating func note(_ choice: ModelChoice) {
    guard choice != self.choice else { return }
    self.choice = choice
    events.append(.modelsChanged(choice))
  }

  /// Notes what is on record of a shadow in a partition.
  mutating func note(_ tally: HitTally, of shadow: String, in partition: Int32) {
    events.append(
      .hitsCounted(
        partition: partition,
        HitCounts(
          shadow: shadow, against: tally.against, judged: tally.judged, liveHits: tally.live.all,
          liveLiked: tally.live.liked, shadowHits: tally.shadow.all,
          shadowLiked: tally.shadow.liked)))
  }

  /// Whether there is something to tell by now.
  func isDue(at now: ContinuousClock.Instant, _ shown: ShownBoard) -> Bool {
    if !events.isEmpty { return true }
    if let toldAt, now - toldAt < Self.pause { return false }
    return !shown.changed.isEmpty
  }

  /// What there is to tell of a committed batch.
  mutating func report(at now: ContinuousClock.Instant) -> BatchReport {
    guard !events.isEmpty else { return BatchReport() }
    defer { events.removeAll() }
    toldAt = now
    return BatchReport(events: events)
  }
}
