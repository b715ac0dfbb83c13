public import Logging
import Synchronization

extension EventSink {
  /// Writes events as log lines.
  public static func logging(_ logger: Logger) -> EventSink {
    let sink = LogSink(logger)
    return EventSink { sink.receive($0) }
  }
}

/// Turns events into log lines. The engine logs nowhere else.
private final class LogSink: Sendable {
  private let logger: Logger
  private let restores = Mutex(RestoreLines())
  private let rejoinings = Mutex(RejoiningLines())

  init(_ logger: Logger) {
    self.logger = logger
  }

  func receive(_ event: EngineEvent) {
    guard let level = LogLine.level(of: event.kind), level >= logger.logLevel,
      restores.withLock({ $0.shows(event) }), rejoinings.withLock({ $0.shows(event) }),
      let line = LogLine(event.kind)
    else { return }
    var metadata = line.fields.mapValues { Logger.MetadataValue.string($0) }
    if let worker = event.worker { metadata["worker"] = "\(worker)" }
    logger.log(level: line.level, "\(line.message)", metadata: metadata)
  }
}

/// Limits the lines of a run of failures: one when it begins, and one for each other reason.
struct RejoiningLines {
  private struct Thread: Hashable {
    var stage: String
    var worker: Int?
  }

  /// The reason that the last line had.
  private var shown: [Thread: Reason.Code] = [:]

  mutating func shows(_ event: EngineEvent) -> Bool {
    guard case .rejoining(let reason, let attempt) = event.kind else { return true }
    let thread = Thread(stage: event.stage, worker: event.worker)
    guard attempt == 1 || shown[thread] != reason.code else { return false }
    shown[thread] = reason.code
    return true
  }
}

/// Limits the lines of a restore: one when it begins, then one every two seconds.
struct RestoreLines {
  private static let interval = Duration.seconds(2)

  private struct Restore: Hashable {
    var worker: Int?
    var role: EngineEvent.Role
    var changelog: String
  }

  /// How long each restore had been running at its last line.
  private var shown: [Restore: Duration] = [:]

  mutating func shows(_ event: EngineEvent) -> Bool {
    let status: RestoreStatus
    switch event.kind {
    case .restoring(let under), .upgrading(let under): status = under
    default: return true
    }
    let restore = Restore(worker: event.worker, role: event.role, changelog: status.changelog)
    let last = shown[restore, default: .zero]
    guard status.elapsed == .zero || status.elapsed - last >= Self.interval else { return false }
    shown[restore] = status.elapsed
    return true
  }
}
