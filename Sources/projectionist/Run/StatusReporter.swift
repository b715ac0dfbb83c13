import Foundation
import Logging
import Pipeline
import Streams

/// Tells in the log when all stages run, and every ten seconds how they get on while there is work.
final class StatusReporter {
  private static let interval: TimeInterval = 10

  private let monitors: [StageMonitor]
  private let logger: Logger
  private let started = Date()
  private var isReady = false
  private var lastReport = Date()
  private var lastRecords: [String: Int64] = [:]

  init(_ monitors: [StageMonitor], logger: Logger) {
    self.monitors = monitors
    self.logger = logger
  }

  func look() {
    let status = monitors.map(\.snapshot)
    if !isReady, status.allSatisfy({ $0.phase == .running }) {
      isReady = true
      logger.notice(
        "ready",
        metadata: [
          "stages": "\(status.map(\.stage).joined(separator: ","))",
          "milliseconds": "\(Int(Date().timeIntervalSince(started) * 1000))",
        ])
    }
    let now = Date()
    guard now.timeIntervalSince(lastReport) >= Self.interval else { return }
    for stage in status { report(stage, seconds: now.timeIntervalSince(lastReport)) }
    lastReport = now
  }

  private func report(_ status: StageStatus, seconds: TimeInterval) {
    let records = status.records - lastRecords[status.stage, default: 0]
    lastRecords[status.stage] = status.records
    guard records > 0 else { return }
    logger.info(
      "progress",
      metadata: [
        "stage": "\(status.stage)", "events_per_second": "\(Int(Double(records) / seconds))",
        "lag": "\(status.lag)", "batches": "\(status.batches)",
        "aborted_batches": "\(status.abortedBatches)",
      ])
  }
}
