import Logging
import Recommender
import Synchronization

/// Shares a `ModelCollection` between the thread that reads `models` and the background.
///
/// The reader hands records in; they are put together wherever `inBackground` runs things, in
/// order.
final class ModelKeeper: Sendable {
  private struct Record: Sendable {
    var key: [UInt8]?
    var value: [UInt8]?
  }

  private struct Inbox {
    var records: [Record] = []
    var bytes = 0
    /// Whether somebody takes the records, or is about to.
    var isDraining = false
  }

  private let logger: Logger
  private let inbox = Mutex(Inbox())
  private let collection: Mutex<ModelCollection>
  /// A copy, so that reading it never waits for work on the collection.
  private let published = Mutex(AvailableModels())
  private let isCaughtUp = Atomic(false)

  init(kept: Int, shadow: String?, logger: Logger) {
    self.logger = logger
    collection = Mutex(ModelCollection(kept: kept, shadow: shadow))
  }

  /// What is available now. Never waits for a model that is being put together.
  var available: AvailableModels { published.withLock { $0 } }

  /// Bytes that wait to be taken.
  var waitingBytes: Int { inbox.withLock { $0.bytes } }

  /// Hands a record in.
  ///
  /// - Parameter inBackground: runs the work soon.
  func enqueue(
    key: RawSpan?, value: RawSpan?, inBackground: (@escaping @Sendable () -> Void) -> Void
  ) {
    let record = Record(key: [UInt8]?(copying: key), value: [UInt8]?(copying: value))
    let mustStart = inbox.withLock { inbox in
      inbox.records.append(record)
      inbox.bytes += record.value?.count ?? 0
      defer { inbox.isDraining = true }
      return !inbox.isDraining
    }
    if mustStart { inBackground { self.drain() } }
  }

  private func drain() {
    while let record = next() {
      record.key.withSpan { key in
        record.value.withSpan { value in take(key: key, value: value) }
      }
    }
  }

  private func next() -> Record? {
    inbox.withLock { inbox in
      guard !inbox.records.isEmpty else {
        inbox.isDraining = false
        return nil
      }
      let record = inbox.records.removeFirst()
      inbox.bytes -= record.value?.count ?? 0
      return record
    }
  }

  /// Takes a record at once, on the caller's thread.
  func take(key: RawSpan?, value: RawSpan?) {
    collection.withLock { collection in
      for notice in collection.take(key: key, value: value) { log(notice) }
      let available = collection.available
      published.withLock { $0 = available }
    }
  }

  private func log(_ notice: ModelCollection.Notice) {
    switch notice {
    case .serves(let version, let movies):
      // What is read at the start served once, and most of it does no more.
      guard isCaughtUp.load(ordering: .relaxed) else { return }
      logger.notice("a model serves", metadata: ["model": "\(version)", "movies": "\(movies)"])
    case .noneServes(let last):
      guard isCaughtUp.load(ordering: .relaxed) else { return }
      logger.warning(
        "no model serves any more: answers are by popularity", metadata: ["last": "\(last)"])
    case .refused(let fault):
      logger.error("a record of a model is refused", metadata: ["reason": "\(fault)"])
    }
  }

  /// Logs which model serves and which are incomplete, after all that is in the topic has been
  /// read.
  func reportCaughtUp() {
    isCaughtUp.store(true, ordering: .relaxed)
    if let model = available.promoted {
      log(.serves(version: model.version, movies: model.factors.movies.count))
    }
    for model in collection.withLock({ $0.incomplete }) {
      let expected = model.partsExpected.map { "\($0)" } ?? "unknown"
      logger.warning(
        "a model is incomplete and not served",
        metadata: [
          "model": "\(model.version)", "parts": "\(model.partsPresent)", "of": "\(expected)",
        ])
    }
  }
}
