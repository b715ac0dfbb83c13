/// Which record times a topic accepts, by its `message.timestamp.*` properties.
public struct TimestampLimits: Hashable, Sendable {
  /// Milliseconds that a record's time may be behind the broker's clock; `.max` for any.
  public var before: Int64
  /// Milliseconds that it may be ahead.
  public var after: Int64

  public static let none = TimestampLimits()
  /// Of a topic that refuses times it doesn't explain: only now is left.
  static let now = TimestampLimits(before: 0, after: 0)

  public init(before: Int64 = .max, after: Int64 = .max) {
    self.before = before
    self.after = after
  }

  /// - Parameter values: the topic's properties, including defaults. Up to Kafka 3.5 there is one
  ///   limit for both directions, which up to 3.9 stands where a newer one is not set (KIP-937).
  public init(_ values: [String: String]) {
    self.init()
    // The broker stamps such a topic's records itself.
    guard values["message.timestamp.type"] != "LogAppendTime" else { return }
    func limit(_ direction: String) -> Int64? {
      values["message.timestamp.\(direction).max.ms"].flatMap { Int64($0) }
    }
    let both = limit("difference") ?? .max
    func limit(either direction: String) -> Int64 {
      let own = limit(direction) ?? .max
      return own == .max ? both : own
    }
    before = limit(either: "before")
    after = limit(either: "after")
  }

  public var isNone: Bool { self == .none }
}

/// Keeps the times of one topic's records within its limits. An ordinary time costs two comparisons
/// and reads no clock.
struct TimestampBounds {
  private let limits: TimestampLimits
  /// Between these a time is accepted for a while after the last `renew`.
  private var (lower, upper) = (Int64.max, Int64.min)

  init(_ limits: TimestampLimits) {
    self.limits = limits
    if limits.isNone { (lower, upper) = (.min, .max) }
  }

  /// Looks at the clock, so that the next times need not.
  ///
  /// - Parameter now: milliseconds since 1970.
  mutating func renew(_ now: Int64) {
    guard !limits.isNone else { return }
    // The lower bound moves on with the clock: half of it is good for as long again.
    lower = limits.before == .max ? .min : now - limits.before / 2
    upper = Self.sum(now, limits.after - margin(limits.after))
  }

  /// The nearest time that the topic accepts.
  mutating func clamp(_ time: Int64, now: () -> Int64) -> Int64 {
    if time >= lower, time <= upper { return time }
    let now = now()
    renew(now)
    let least = limits.before == .max ? .min : now - limits.before + margin(limits.before)
    return min(max(time, least), upper)
  }

  /// What is left to clocks that differ, and to the record's way to the broker.
  private func margin(_ limit: Int64) -> Int64 { limit == .max ? 0 : min(60_000, limit / 4) }

  private static func sum(_ a: Int64, _ b: Int64) -> Int64 {
    let (sum, overflows) = a.addingReportingOverflow(b)
    return overflows ? .max : sum
  }
}
