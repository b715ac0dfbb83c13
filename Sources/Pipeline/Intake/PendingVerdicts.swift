import Ratings

/// Verdicts waiting to be sent together.
///
/// A verdict is less urgent than the event itself, and without transactions every record sent alone
/// costs the broker a request.
struct PendingVerdicts {
  struct Verdict {
    var failed: ExpectationSet
    var details: [EventDetail]
    var coerced: CoercionSet
    var source: SourceCoordinates
    /// The event record's.
    var timestamp: Int64
    /// Where the event record's key is in `keys`.
    fileprivate var key: Range<Int>?
  }

  private static let most = 64

  private(set) var verdicts: [Verdict] = []
  private var keys: [UInt8] = []

  var isFull: Bool { verdicts.count >= Self.most }

  mutating func append(
    failed: ExpectationSet, details: [EventDetail], coerced: CoercionSet,
    source: SourceCoordinates, key: RawSpan?, timestamp: Int64
  ) {
    var place: Range<Int>?
    if let key, key.byteCount <= CopyLimit.bytes {
      let start = keys.count
      key.withUnsafeBytes { keys.append(contentsOf: $0) }
      place = start..<keys.count
    }
    verdicts.append(
      Verdict(
        failed: failed, details: details, coerced: coerced, source: source, timestamp: timestamp,
        key: place))
  }

  @_lifetime(borrow self)
  func key(of verdict: Verdict) -> RawSpan? {
    guard let place = verdict.key else { return nil }
    return keys.span.bytes.extracting(place)
  }

  mutating func removeAll() {
    verdicts.removeAll(keepingCapacity: true)
    keys.removeAll(keepingCapacity: true)
  }
}
