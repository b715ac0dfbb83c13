import EventLog

/// How a restore gets on: says so when it begins, every two seconds, and when it is done.
struct RestoreProgress: Hashable, Sendable {
  private static let interval = Duration.seconds(2)

  private let changelog: String
  private let partitions: Int
  private let started: ContinuousClock.Instant
  private var lastStatus: ContinuousClock.Instant

  init(_ changelog: String, partitions: Int, at now: ContinuousClock.Instant) {
    self.changelog = changelog
    self.partitions = partitions
    started = now
    lastStatus = now
  }

  /// Says that there is something to restore, before it is looked for and read.
  ///
  /// - Parameter total: changelog offsets that are to be passed, of all partitions.
  func begin(total: Int64) -> RestoreStatus {
    RestoreStatus(changelog: changelog, partitions: partitions, applied: 0, total: total)
  }

  /// - Parameters:
  ///   - applied: changelog offsets passed, of all partitions.
  ///   - total: how many there are, which the search for the last positions may lessen.
  /// - Returns: `nil` until two seconds have passed since the status before.
  mutating func advance(to applied: Int64, of total: Int64, at now: ContinuousClock.Instant)
    -> RestoreStatus?
  {
    guard now - lastStatus >= Self.interval else { return nil }
    lastStatus = now
    let rate = Double(applied) / (now - started).seconds
    return RestoreStatus(
      changelog: changelog, partitions: partitions, applied: applied, total: total, rate: rate,
      timeLeft: rate > 0 ? .seconds(Double(total - applied) / rate) : nil)
  }

  /// - Parameter records: how many were applied.
  func finish(records: Int, at now: ContinuousClock.Instant) -> RestoreSummary {
    RestoreSummary(
      changelog: changelog, partitions: partitions, records: records, duration: now - started)
  }
}

extension Duration {
  var seconds: Double {
    let (seconds, attoseconds) = components
    return Double(seconds) + Double(attoseconds) * 1e-18
  }
}

extension Array where Element == UInt8 {
  /// The span's bytes.
  init(copying span: RawSpan) {
    self = span.withUnsafeBytes { [UInt8]($0) }
  }
}
