import EventLog
import Logging
import StateStore

// Until log lines and the monitor are sinks of the engine's events, they are written here.

extension EngineEvent {
  enum Role: Hashable, Sendable { case stage, standby }
}

extension StageError {
  var reason: Reason {
    switch self {
    case .log(let error): Reason(.logFailure, error.description)
    case .store(let error):
      Reason(error.remedy == .rebuild ? .storeDamaged : .storeRefused, error.description)
    case .failed(let message, _): Reason(.internalError, message)
    case .stopped: Reason(.stopRequested, description)
    }
  }

  static func failed(_ reason: Reason, _ reaction: Reaction) -> StageError {
    .failed(reason.text, reaction)
  }
}

extension StageEnvironment {
  func emit(_ kind: EngineEvent.Kind) {
    events.receive(EngineEvent(stage: configuration.name, kind))
    switch kind {
    case .restoring(let status):
      monitor.update {
        $0.phase = .restoring(status.changelog, applied: status.applied, total: status.total)
      }
      var fields: Logger.Metadata = [
        "changelog": "\(status.changelog)", "partitions": "\(status.partitions)",
      ]
      if let rate = status.rate {
        fields["percent"] = "\(status.percent)"
        fields["records_per_second"] = "\(Int64(rate))"
        if let left = status.timeLeft { fields["seconds_left"] = "\(Int64(left.seconds))" }
      } else {
        fields["offsets"] = "\(status.total)"
      }
      logger.info("restoring state", metadata: fields)
    case .restored(let summary):
      logger.info(
        "state restored",
        metadata: [
          "changelog": "\(summary.changelog)", "partitions": "\(summary.partitions)",
          "records": "\(summary.records)",
          "milliseconds": "\(Int64(summary.duration.seconds * 1000))",
        ])
    case .storeRebuilt(let partition, let reason):
      logger.warning(
        "rebuilding state from the changelog",
        metadata: ["partition": "\(partition)", "reason": "\(reason)"])
    case .standbyOpened(let changelog):
      logger.info("keeping a standby copy", metadata: ["changelog": "\(changelog)"])
    case .standbyFailed(let reason):
      logger.warning("standby copies", metadata: ["reason": "\(reason)"])
    case .offsetsDiffer(let source, let committed, let state):
      logger.warning(
        "the group's committed offset is not the state's; going on from the state's",
        metadata: [
          "partition": "\(source)", "committed": "\(committed)", "state": "\(state)",
        ])
    default: break
    }
  }
}
