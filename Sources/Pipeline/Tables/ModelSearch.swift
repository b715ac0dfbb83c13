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
      let table = try SnapshotTable(log, topic: topic, clientID: "\(clientID)-search")
      try table.catchUp(body)
    }
  }

  /// Hands the model's records to the keeper, and says if that does not complete it.
  ///
  /// - Parameter isRepeated: whether the model was searched for before, and its absence said.
  func run(_ version: String, isRepeated: Bool, _ logger: Logger) {
    // Only what stands: a model that was deleted must not serve until its tombstone is read.
    var standing: [(key: [UInt8], value: [UInt8]?)] = []
    var places: [[UInt8]: Int] = [:]
    do throws(LogError) {
      try read { record in
        guard let key = record.key, let name = ModelKey(key), name.version == version else {
          return
        }
        let (copy, value) = ([UInt8](copying: key), [UInt8]?(copying: record.value))
        if let place = places[copy] {
          standing[place].value = value
        } else {
          places[copy] = standing.count
          standing.append((copy, value))
        }
      }
    } catch {
      logger.warning(
        "the promoted model can't be read yet",
        metadata: ["model": "\(version)", "reason": "\(error)"])
      return
    }
    for (key, value) in standing where value != nil {
      value.withSpan { keeper.take(key: key.span.bytes, value: $0) }
    }
    let available = keeper.available
    guard available.missing == version, !isRepeated else { return }
    let instead = available.promoted.map { "the model \($0.version)" } ?? "popularity"
    logger.warning(
      "the promoted model is not complete in the topic",
      metadata: ["model": "\(version)", "answers_by": "\(instead)"])
  }
}
