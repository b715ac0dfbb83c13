/// The progress of a restore: a status when it begins, at most ten times a second while it runs,
/// and a summary at its end.
struct RestoreProgress: Hashable, Sendable {
  private static let interval = Duration.milliseconds(100)

  private let changelog: String
  private let partitions: Int
  private let started: ContinuousClock.Instant
  private var began: ContinuousClock.Instant
  private var lastStatus: ContinuousClock.Instant

  init(_ changelog: String, partitions: Int, at now: ContinuousClock.Instant) {
    self.changelog = changelog
    self.partitions = partitions
    started = now
    began = now
    lastStatus = now
  }

  /// Begins the count, before anything is looked for and read.
  ///
  /// - Parameter total: changelog offsets to pass, of all partitions.
  mutating func begin(total: Int64, at now: ContinuousClock.Instant) -> RestoreStatus {
    began = now
    return status(0, of: total, at: now)
  }

  /// - Parameters:
  ///   - applied: changelog offsets passed, of all partitions.
  ///   - total: how many there are, which the search for the last positions may lessen.
  /// - Returns: `nil` so soon after the status before.
  mutating func advance(to applied: Int64, of total: Int64, at now: ContinuousClock.Instant)
    -> RestoreStatus?
  {
    now - lastStatus >= Self.interval ? status(applied, of: total, at: now) : nil
  }

  private mutating func status(
    _ applied: Int64, of total: Int64, at now: ContinuousClock.Instant
  ) -> RestoreStatus {
    lastStatus = now
    return RestoreStatus(
      changelog: changelog, partitions: partitions, applied: applied, total: total,
      elapsed: now - began)
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
