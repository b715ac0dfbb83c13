import Foundation
import Logging
import Pipeline
import Streams

/// Tells in the log when all stages run, and every ten seconds how they get on while there is work or
/// state to restore.
final class StatusReporter {
  private static let interval: TimeInterval = 10

  private let monitors: [StageMonitor]
  private let predict: PredictMonitor
  private let logger: Logger
  private let started = Date()
  private var isReady = false
  private var lastReport = Date()
  /// By the monitors' order: several threads may run one stage.
  private var lastRecords: [Int64]

  init(_ monitors: [StageMonitor], predict: PredictMonitor, logger: Logger) {
    self.monitors = monitors
    lastRecords = Array(repeating: 0, count: monitors.count)
    self.predict = predict
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
    for (number, status) in status.enumerated() {
      report(status, number, seconds: now.timeIntervalSince(lastReport))
    }
    lastReport = now
  }

  private func report(_ status: StageStatus, _ number: Int, seconds: TimeInterval) {
    let records = status.records - lastRecords[number]
    lastRecords[number] = status.records
    guard var metadata = Self.metadata(of: status, records: records, seconds: seconds) else {
      return
    }
    if status.stage == StageDeclaration.predict.name {
      metadata.merge(Self.metadata(of: predict.snapshot)) { $1 }
    }
    logger.info("progress", metadata: metadata)
  }

  /// How a stage gets on.
  ///
  /// - Parameter records: how many it has processed in so many seconds.
  /// - Returns: `nil` for one that has nothing to do.
  static func metadata(of status: StageStatus, records: Int64, seconds: TimeInterval)
    -> Logger.Metadata?
  {
    var metadata: Logger.Metadata = ["stage": "\(status.stage)"]
    if case .restoring(let restore) = status.phase {
      metadata["restoring"] = "\(restore.changelog)"
      metadata["percent"] = "\(restore.percent)"
      metadata["changelog_lag"] = "\(restore.total - restore.applied)"
    } else if records == 0 {
      return nil
    }
    metadata["events_per_second"] = "\(Int(Double(records) / seconds))"
    metadata["lag"] = "\(status.lag)"
    metadata["batches"] = "\(status.batches)"
    metadata["aborted_batches"] = "\(status.abortedBatches)"
    return metadata
  }

  /// The predict stage's counts since its start.
  static func metadata(of status: PredictStatus) -> Logger.Metadata {
    var metadata: Logger.Metadata = [
      "personal": "\(status.personal)", "popular": "\(status.popular)",
      "errors": "\(status.errors)", "late": "\(status.late)",
      "forwarded": "\(status.forwarded)", "model": "\(status.modelVersion ?? "none")",
      "kept_models": "\(status.keptModels.joined(separator: ","))",
    ]
    if let overlap = status.shadowOverlap {
      let rounded = Double(Int((overlap * 1000).rounded())) / 1000
      metadata["shadows"] = "\(status.shadows)"
      metadata["shadow_overlap_at_10"] = "\(rounded)"
    }
    return metadata
  }
}
