import EventLog
import Logging
import Recommender

/// Reads one model from the topic again: it was promoted but is no longer kept.
struct ModelSearch: Sendable {
  private let read: @Sendable (_ body: (borrowing RecordView) -> Void) throws(LogError) -> Void
  private let keeper: ModelKeeper

  init<Log: EventLog>(_ log: Log, topic: String, clientID: String, keeper: ModelKeeper) {
    self.keeper = keeper
    read = { body throws(LogError) in
      let table = try GlobalTable(log, topic: topic, clientID: "\(clientID)-search")
      try table.catchUp(body)
    }
  }

  /// Hands the model's records to the keeper, and logs a warning if that does not complete it.
  func run(_ version: String, _ logger: Logger) {
    do throws(LogError) {
      try read { record in
        guard let key = record.key, let name = ModelKey(key), name.belongs(toModel: version) else {
          return
        }
        keeper.take(key: key, value: record.value)
      }
    } catch {
      logger.warning(
        "the promoted model can't be read yet",
        metadata: ["model": "\(version)", "reason": "\(error)"])
      return
    }
    if keeper.available.missing == version {
      logger.warning(
        "the promoted model is incomplete: the previous one keeps serving",
        metadata: ["model": "\(version)"])
    }
  }
}

extension ModelKey {
  /// Whether it is the key of this model's metadata or of one of its parts.
  func belongs(toModel wanted: String) -> Bool {
    switch self {
    case .metadata(let version), .part(let version, _): version == wanted
    case .promotion: false
    }
  }
}
