import EventLog
import Logging
import StateStore

/// Tells how a restore gets on: in the monitor with each poll, in the log when it begins and every two
/// seconds.
struct RestoreProgress {
  private static let interval = Duration.seconds(2)

  private let changelog: String
  private let partitions: Int
  private let monitor: StageMonitor
  private let logger: Logger
  private let started: ContinuousClock.Instant
  private var lastReport: ContinuousClock.Instant

  init(
    _ changelog: String, partitions: Int, _ monitor: StageMonitor, _ logger: Logger,
    at now: ContinuousClock.Instant
  ) {
    self.changelog = changelog
    self.partitions = partitions
    self.monitor = monitor
    self.logger = logger
    started = now
    lastReport = now
  }

  /// Tells that there is something to restore, before it is looked for and read.
  ///
  /// - Parameter total: changelog offsets that are to be passed, of all partitions.
  func begin(total: Int64) {
    monitor.update { $0.phase = .restoring(changelog, applied: 0, total: total) }
    logger.info(
      "restoring state",
      metadata: ["changelog": "\(changelog)", "partitions": "\(partitions)", "offsets": "\(total)"])
  }

  /// - Parameters:
  ///   - applied: changelog offsets passed, of all partitions.
  ///   - total: how many there are.
  mutating func report(applied: Int64, of total: Int64, at now: ContinuousClock.Instant) {
    monitor.update { $0.phase = .restoring(changelog, applied: applied, total: total) }
    guard now - lastReport >= Self.interval else { return }
    lastReport = now
    let rate = Double(applied) / (now - started).seconds
    var metadata: Logger.Metadata = [
      "changelog": "\(changelog)", "partitions": "\(partitions)",
      "percent": "\(100 * applied / max(1, total))", "records_per_second": "\(Int64(rate))",
    ]
    if rate > 0 { metadata["seconds_left"] = "\(Int64(Double(total - applied) / rate))" }
    logger.info("restoring state", metadata: metadata)
  }

  /// - Parameter records: how many were applied.
  func finish(records: Int, at now: ContinuousClock.Instant) {
    logger.info(
      "state restored",
      metadata: [
        "changelog": "\(changelog)", "partitions": "\(partitions)", "records": "\(records)",
        "milliseconds": "\(Int64((now - started).seconds * 1000))",
      ])
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
