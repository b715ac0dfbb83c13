import Logging
import Recommender
import Synchronization

/// Puts models together from records of `models` and keeps those that may be asked for: the newest,
/// the promoted one, and the shadow's. What is put together is complete and agrees with its checksums;
/// what is wrong with the rest is logged once.
///
/// Records are handed in by the thread that reads them and put together wherever `inBackground` runs
/// things, in order.
final class ModelKeeper: Sendable {
  /// What the predict stage sees of it.
  struct Content: Sendable {
    /// In the order in which they became complete.
    var models: [ServingModel] = []
    /// The one that serves; it stays when another is promoted that is not complete.
    var promoted: ServingModel?
    var shadow: ServingModel?
    var rejected: Int64 = 0
    /// A promoted model that is not in memory.
    var missing: String?
    /// Rises with each change.
    var version = 0
  }

  private struct Record: Sendable {
    var key: [UInt8]?
    var value: [UInt8]?
  }

  private struct Inbox {
    var records: [Record] = []
    var bytes = 0
    /// Whether somebody is at work on them, or will be.
    var isDraining = false
  }

  private struct Work {
    var assembler = ModelAssembler()
    var content = Content()
    var promotion: String?
    /// Every fault that was logged.
    var faults: Set<ModelFault> = []
  }

  /// More faults than these are counted and not logged.
  private static let loggedFaults = 1_000
  /// Models of which parts are in memory while others are missing: two trainers at work, and some
  /// that were killed.
  private static let incompleteModels = 4

  private let kept: Int
  private let shadowVersion: String?
  private let logger: Logger
  private let inbox = Mutex(Inbox())
  private let work = Mutex(Work())
  private let published = Mutex(Content())

  init(kept: Int, shadow: String?, logger: Logger) {
    self.kept = kept
    shadowVersion = shadow
    self.logger = logger
  }

  /// What is ready now. Never waits for what is being put together.
  var content: Content { published.withLock { $0 } }

  /// Bytes that wait to be looked at.
  var waitingBytes: Int { inbox.withLock { $0.bytes } }

  // MARK: Records

  /// Hands a record in.
  ///
  /// - Parameter inBackground: runs the work, soon.
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
      work.withLock { take(record, &$0) }
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
    work.withLock { work in
      apply(work.assembler.take(key: key, value: value), &work)
    }
  }

  private func take(_ record: Record, _ work: inout Work) {
    let change = record.key.withSpan { key in
      record.value.withSpan { work.assembler.take(key: key, value: $0) }
    }
    apply(change, &work)
  }

  // MARK: Changes

  private func apply(_ change: ModelAssembler.Change?, _ work: inout Work) {
    switch change {
    case nil: return dropIncomplete(&work)
    case .ready(let factors): add(ServingModel(factors), &work.content)
    case .deleted(let version):
      work.content.models.removeAll { $0.version == version }
      if work.content.promoted?.version == version { work.content.promoted = nil }
    case .promoted(let promotion):
      work.promotion = promotion?.version
      if promotion == nil { work.content.promoted = nil }
    case .refused(let fault): note(fault, &work)
    }
    promote(&work)
    evict(&work)
    publish(&work)
  }

  /// New metadata of a known model takes its place in the order.
  private func add(_ model: ServingModel, _ content: inout Content) {
    if let index = content.models.firstIndex(where: { $0.version == model.version }) {
      content.models[index] = model
    } else {
      content.models.append(model)
    }
  }

  private func promote(_ work: inout Work) {
    guard let version = work.promotion else {
      work.content.missing = nil
      return
    }
    if let model = work.content.models.first(where: { $0.version == version }) {
      if work.content.promoted?.version != version {
        let movies = model.factors.movies.count
        logger.notice(
          "a model serves", metadata: ["model": "\(version)", "movies": "\(movies)"])
      }
      work.content.promoted = model
      work.content.missing = nil
    } else {
      work.content.missing = version
    }
  }

  private func evict(_ work: inout Work) {
    let held = [work.content.promoted?.version, work.promotion, shadowVersion]
    var surplus = work.content.models.count - kept
    work.content.models.removeAll { model in
      guard surplus > 0 else { return false }
      surplus -= 1
      guard !held.contains(model.version) else { return false }
      work.assembler.forget(model.version)
      return true
    }
    work.content.shadow = work.content.models.first { $0.version == shadowVersion }
  }

  /// A trainer that was killed leaves parts behind for ever.
  private func dropIncomplete(_ work: inout Work) {
    let incomplete = work.assembler.incomplete
    guard incomplete.count > Self.incompleteModels else { return }
    let oldest = incomplete.first { $0.version != work.promotion && $0.version != shadowVersion }
    if let oldest { work.assembler.forget(oldest.version) }
  }

  private func note(_ fault: ModelFault, _ work: inout Work) {
    work.content.rejected += 1
    guard work.faults.count < Self.loggedFaults, work.faults.insert(fault).inserted else { return }
    logger.error("a record of a model is refused", metadata: ["reason": "\(fault)"])
  }

  private func publish(_ work: inout Work) {
    work.content.version += 1
    let content = work.content
    published.withLock { $0 = content }
  }

  /// Logs which models are not complete, after everything that is in the topic has been seen.
  func reportIncomplete() {
    for model in work.withLock({ $0.assembler.incomplete }) {
      let expected = model.partsExpected.map { "\($0)" } ?? "unknown"
      logger.warning(
        "a model is incomplete and not served",
        metadata: [
          "model": "\(model.version)", "parts": "\(model.partsPresent)", "of": "\(expected)",
        ])
    }
  }
}
