import Logging
import Pipeline
import ServiceLifecycle
import Streams
import Synchronization

/// Logs when all stages run, and every ten seconds the progress of those that have work or state to
/// restore.
final class StatusReporter: Service {
  private static let interval = Duration.seconds(10)

  private let monitors: [StageMonitor]
  private let predict: PredictMonitor
  private let logger: Logger
  private let started = ContinuousClock.now
  private let isReady = Atomic(false)

  init(_ monitors: [StageMonitor], predict: PredictMonitor, logger: Logger) {
    self.monitors = monitors
    self.predict = predict
    self.logger = logger
  }

  /// Logs `ready` at the event that makes the last stage run. The monitors must get each event
  /// first.
  var sink: EventSink {
    EventSink { [self] _ in
      guard !isReady.load(ordering: .relaxed) else { return }
      let status = monitors.map(\.snapshot)
      guard status.allSatisfy({ $0.phase == .running || $0.waitsForProjection }),
        !isReady.exchange(true, ordering: .relaxed)
      else { return }
      logger.notice(
        "ready",
        metadata: [
          "stages": "\(status.map(\.stage).joined(separator: ","))",
          "milliseconds": "\(Int((.now - started) / .milliseconds(1)))",
        ])
    }
  }

  func run() async throws {
    // It only ends with the error of a cancelled sleep.
    try? await cancelWhenGracefulShutdown { [self] in
      var lastReport = ContinuousClock.now
      // By the monitors' order: several threads may run one stage.
      var last = monitors.map { StageStatus(stage: $0.snapshot.stage) }
      while true {
        try await Task.sleep(for: Self.interval)
        let now = ContinuousClock.now
        for (number, status) in monitors.map(\.snapshot).enumerated() {
          report(status, since: last[number], seconds: (now - lastReport) / .seconds(1))
          last[number] = status
        }
        lastReport = now
      }
    }
  }

  private func report(_ status: StageStatus, since last: StageStatus, seconds: Double) {
    guard var metadata = Self.metadata(of: status, since: last, seconds: seconds) else { return }
    if status.stage == StageDeclaration.predict.name {
      metadata.merge(Self.metadata(of: predict.snapshot)) { $1 }
    }
    logger.info("progress", metadata: metadata)
  }

  /// A stage's progress.
  ///
  /// - Parameter last: its status so many seconds ago.
  /// - Returns: `nil` for one that has nothing to do.
  static func metadata(of status: StageStatus, since last: StageStatus, seconds: Double)
    -> Logger.Metadata?
  {
    let records = status.records - last.records
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
    metadata.merge(Self.metadata(of: status.judged.since(last.judged))) { $1 }
    return metadata
  }

  /// What was wrong with the input, or had to be made up for.
  private static func metadata(of counts: VerdictCounts) -> Logger.Metadata {
    var metadata: Logger.Metadata = [:]
    if counts.invalid > 0 {
      metadata["invalid"] = "\(counts.invalid)"
      metadata["most_frequent_rule"] = counts.mostFrequentRule.map { "\($0)" }
    }
    for (name, count) in counts.coerced { metadata["coerced_\(name)"] = "\(count)" }
    return metadata
  }

  /// The predict stage's counts since its start.
  static func metadata(of status: PredictStatus) -> Logger.Metadata {
    var metadata: Logger.Metadata = [
      "personal": "\(status.personal)", "popular": "\(status.popular)",
      "errors": "\(status.errors)", "late": "\(status.late)",
      "old": "\(status.old)",
      "forwarded": "\(status.forwarded)", "detoured": "\(status.detoured)",
      "model": "\(status.modelVersion ?? "none")",
      "kept_models": "\(status.keptModels.joined(separator: ","))",
      "skipped_movies": "\(status.skippedMovies)",
    ]
    if let overlap = status.shadowOverlap {
      let rounded = Double(Int((overlap * 1000).rounded())) / 1000
      metadata["shadows"] = "\(status.shadows)"
      metadata["shadow_overlap_at_10"] = "\(rounded)"
    }
    return metadata
  }
}
