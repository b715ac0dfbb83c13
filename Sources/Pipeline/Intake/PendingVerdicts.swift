import Recommender

/// Verdicts that wait to be sent together.
///
/// Nobody waits for a verdict as for the event itself, and without transactions each record that is
/// sent alone costs the broker a request.
public struct PendingVerdicts {
  struct Verdict {
    var failed: ExpectationSet
    var source: SourceCoordinates
    /// The event record's.
    var key: [UInt8]?
    var timestamp: Int64
  }

  static let most = 64

  private(set) var verdicts: [Verdict] = []

  var isFull: Bool { verdicts.count >= Self.most }

  mutating func append(_ verdict: Verdict) { verdicts.append(verdict) }

  mutating func removeAll() { verdicts.removeAll(keepingCapacity: true) }
}
