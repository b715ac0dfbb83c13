/// Reports a restore's progress: when it begins, at most ten times a second while it runs, and when
/// it ends.
struct RestoreProgress {
  private static let interval = Duration.milliseconds(100)

  private let changelog: String
  private let partitions: Int
  private let emit: (EngineEvent.Kind) -> Void
  private let started: ContinuousClock.Instant
  private var began: ContinuousClock.Instant
  private var lastReport: ContinuousClock.Instant

  init(
    _ changelog: String, partitions: Int, at now: ContinuousClock.Instant,
    emit: @escaping (EngineEvent.Kind) -> Void
  ) {
    self.changelog = changelog
    self.partitions = partitions
    self.emit = emit
    started = now
    began = now
    lastReport = now
  }

  /// Reports that there is something to restore, before any of it is read.
  ///
  /// - Parameter total: changelog offsets that are to be passed, of all partitions.
  mutating func begin(total: Int64, at now: ContinuousClock.Instant) {
    began = now
    tell(applied: 0, of: total, at: now)
  }

  /// - Parameters:
  ///   - applied: changelog offsets passed, of all partitions.
  ///   - total: how many there are.
  mutating func report(applied: Int64, of total: Int64, at now: ContinuousClock.Instant) {
    guard now - lastReport >= Self.interval else { return }
    tell(applied: applied, of: total, at: now)
  }

  private mutating func tell(applied: Int64, of total: Int64, at now: ContinuousClock.Instant) {
    lastReport = now
    emit(
      .restoring(
        RestoreStatus(
          changelog: changelog, partitions: partitions, applied: applied, total: total,
          elapsed: now - began)))
  }

  /// - Parameter records: how many were applied.
  func finish(records: Int, at now: ContinuousClock.Instant) {
    emit(
      .restored(
        RestoreSummary(
          changelog: changelog, partitions: partitions, records: records, duration: now - started)))
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
