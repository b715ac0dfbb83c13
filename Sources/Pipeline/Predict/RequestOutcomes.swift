import Recommender
import Streams

/// What becomes of the open batch's requests, for its event.
struct RequestOutcomes {
  private var summary = RequestSummary()
  /// When the answered ones were asked.
  private var answered = TimeTally()

  /// Forgets the batch before.
  mutating func removeAll() {
    summary = RequestSummary()
    answered.removeAll()
  }

  mutating func count(_ disposition: RequestDisposition) {
    switch disposition {
    case .expired: summary.count(.late)
    case .old: summary.count(.old)
    case .refused(let error): summary.countRefused(code: error.code)
    case .misrouted: summary.count(.forwarded)
    // Counted by its reply.
    case .accepted: break
    }
  }

  /// - Parameter moment: when the user asked, in milliseconds since 1970.
  mutating func count(_ reply: RecommendationReply, askedAt moment: Int64) {
    switch reply.strategy {
    case .personal: summary.count(.personal)
    case .popular: summary.count(.popular)
    }
    answered.note(moment)
  }

  mutating func count(shadow reply: RecommendationReply) {
    if let comparison = reply.comparison { summary.countOverlap(comparison.overlapAt10) }
  }

  func add(to report: inout BatchReport) {
    if !summary.isEmpty { report.requests = summary }
    report.completed = answered
  }
}
