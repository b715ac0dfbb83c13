public import EventLog
import StateStore
import Synchronization

/// One run of the daemon. Every effect on the simulated log and stores passes through here, where
/// it can fail, succeed but report failure, or be the process's last.
///
/// A dead process has no more effects: each call of its handles throws `.stopDaemon`. Its successor
/// is a new `SimulatedProcess` on the same log and storage.
public final class SimulatedProcess: Sendable {
  /// What a process does to the world outside it.
  public enum Effect: Hashable, Sendable, CaseIterable {
    case makeConsumer, poll, assign, unassign, commitOffsets
    case makeProducer, send, deliver, flush, beginTransaction, commitTransaction, abortTransaction
    case openStore, destroyStore, commitStore
    /// A question about offsets, partitions or the group.
    case ask
    /// A write to a system outside the log.
    case writeElsewhere
  }

  /// What goes wrong with one effect: `fail` before it takes place, `failAfterwards` after it, so
  /// that the caller does not know the outcome.
  public enum Fault: Sendable {
    case fail(LogError)
    case failAfterwards(LogError)
    case die
    case dieAfterwards
    /// A poll goes back this many offsets on each partition first.
    case redeliver(Int64)
    /// A poll brings nothing, even if there are records.
    case silence
  }

  /// What became of one effect.
  public enum Outcome: Sendable {
    case done
    case failed(LogError)
    /// It took place, but the caller gets an error.
    case doneButFailed(LogError)
    case died
    case doneAndDied
  }

  /// Which effect is about to take place.
  public struct Moment: Hashable, Sendable {
    public var effect: Effect
    /// How many effects of this kind the process has had before.
    public var number: Int
    /// How many effects of any kind the process has had before.
    public var total: Int
  }

  /// When a producer's queued records and its transactions' markers reach the log.
  public enum Delivery: Sendable {
    case immediate
    case onFlush
    /// Records reach it at a later send or at the flush, and those queued at death are lost.
    /// Markers reach it at the commit, or when someone waits for them.
    case seeded(UInt64)
  }

  private struct State {
    var isAlive = true
    var counts: [Effect: Int] = [:]
    var total = 0
    var random: SeededGenerator?
    /// When the brokers don't hear from it.
    var silence: Range<Duration>?
    var stalledUntil: Duration = .zero
  }

  public let name: String
  private let state: Mutex<State>
  private let deliversOnFlush: Bool
  private let maxFetchRecords: Int
  private let scheduler: Scheduler?
  private let faults: @Sendable (Moment) -> Fault?
  private let onEffect: @Sendable (Moment, Outcome) -> Void
  private let onIdle: @Sendable (_ group: String?) -> Void

  /// - Parameters:
  ///   - maxFetchRecords: the most records per poll.
  ///   - scheduler: decides whose turn it is before every effect and while a thread is idle.
  ///   - faults: called before every effect.
  ///   - onEffect: called after every effect with its outcome.
  ///   - onIdle: called by a poll that brings nothing, with the consumer's group. It may change the
  ///     log, the stop signal and the clock: nothing else advances time.
  public init(
    _ name: String = "process", delivery: Delivery = .immediate, maxFetchRecords: Int = .max,
    scheduler: Scheduler? = nil, faults: @escaping @Sendable (Moment) -> Fault? = { _ in nil },
    onEffect: @escaping @Sendable (Moment, Outcome) -> Void = { _, _ in },
    onIdle: @escaping @Sendable (_ group: String?) -> Void = { _ in }
  ) {
    self.name = name
    self.scheduler = scheduler
    self.onEffect = onEffect
    self.maxFetchRecords = maxFetchRecords
    self.faults = faults
    self.onIdle = onIdle
    var initial = State()
    if case .seeded(let seed) = delivery { initial.random = SeededGenerator(seed: seed) }
    if case .onFlush = delivery { deliversOnFlush = true } else { deliversOnFlush = false }
    state = Mutex(initial)
  }

  public var isAlive: Bool { state.withLock { $0.isAlive } }
  /// How many effects the process has had.
  public var effects: Int { state.withLock { $0.total } }

  /// Ends the process, as `kill -9` does.
  public func kill() {
    let now = scheduler?.now ?? .zero
    state.withLock { state in
      guard state.isAlive else { return }
      state.isAlive = false
      state.silence =
        (state.silence?.contains(now) == true ? state.silence : nil)
        .map { $0.lowerBound..<Self.forEver } ?? now..<Self.forEver
    }
  }

  private static let forEver = Duration.seconds(Int64.max / 2)

  /// Since when the brokers have not heard from it, because it is dead, suspended or cut off; `nil`
  /// while they do.
  func silentSince(at now: Duration) -> Duration? {
    state.withLock { $0.silence?.contains(now) == true ? $0.silence?.lowerBound : nil }
  }

  /// Keeps the brokers from hearing from it until then.
  public func setSilent(until moment: Duration) {
    let now = scheduler?.now ?? .zero
    state.withLock { state in
      if state.isAlive, now < moment { state.silence = now..<moment }
    }
  }

  /// Suspends all its threads until then, as SIGSTOP does.
  public func stall(until moment: Duration) {
    state.withLock { $0.stalledUntil = moment }
  }

  var stalledUntil: Duration { state.withLock { $0.stalledUntil } }

  static let death = LogError(.other, "the simulated process is dead", reaction: .stopDaemon)

  // MARK: Effects

  func checkAlive() throws(LogError) {
    guard isAlive else { throw Self.death }
  }

  func perform<R>(_ effect: Effect, _ body: () throws(LogError) -> R) throws(LogError) -> R {
    try perform(effect) { (_: Fault?) throws(LogError) -> R in try body() }
  }

  /// - Parameter body: gets the fault, because some faults are up to the effect itself.
  package func perform<R>(_ effect: Effect, _ body: (Fault?) throws(LogError) -> R)
    throws(LogError) -> R
  {
    scheduler?.pass()
    let (moment, fault) = try begin(effect)
    switch fault {
    case .fail(let error):
      onEffect(moment, .failed(error))
      throw error
    case .die:
      kill()
      onEffect(moment, .died)
      throw Self.death
    case .redeliver, .silence, .failAfterwards, .dieAfterwards, nil: break
    }
    let result: R
    do throws(LogError) { result = try body(fault) } catch {
      onEffect(moment, .failed(error))
      throw error
    }
    switch fault {
    case .failAfterwards(let error):
      onEffect(moment, .doneButFailed(error))
      throw error
    case .dieAfterwards:
      kill()
      onEffect(moment, .doneAndDied)
      throw Self.death
    case .fail, .die, .redeliver, .silence, nil:
      onEffect(moment, .done)
      return result
    }
  }

  private func begin(_ effect: Effect) throws(LogError) -> (Moment, Fault?) {
    let moment = state.withLock { state -> Moment? in
      guard state.isAlive else { return nil }
      let moment = Moment(
        effect: effect, number: state.counts[effect, default: 0], total: state.total)
      state.counts[effect, default: 0] += 1
      state.total += 1
      return moment
    }
    guard let moment else { throw Self.death }
    let fault = faults(moment)
    // The callback may have ended the process.
    try checkAlive()
    return (moment, fault)
  }

  /// The same error in a store's terms.
  static func storeError(_ error: LogError) -> StoreError {
    let remedy: StoreError.Remedy =
      switch error.reaction {
      case .rebuildStore: .rebuild
      case .retry: .wait
      case .abortBatch, .abandonPartition, .stopDaemon: .stop
      }
    return StoreError(error.message, remedy: remedy)
  }

  // MARK: Choices

  func idle(group: String?, timeout: Duration) {
    if let scheduler { scheduler.idle(timeout) } else { onIdle(group) }
  }

  func fetchLimit(_ maxRecords: Int) -> Int {
    min(maxRecords, maxFetchRecords)
  }

  /// Whether a committed transaction becomes visible at once.
  func writesMarkers() -> Bool {
    state.withLock { $0.random?.oneIn(2) ?? true }
  }

  /// The partition whose queued records a flush delivers next on its own; `nil` to deliver the rest
  /// at once.
  func nextDelivery(of queued: [TopicPartition]) -> TopicPartition? {
    state.withLock { state in
      guard var random = state.random else { return nil }
      defer { state.random = random }
      return queued.randomElement(using: &random)
    }
  }

  /// Which of the partitions with queued records a send delivers.
  func deliveries(of queued: [TopicPartition]) -> [TopicPartition] {
    guard !deliversOnFlush else { return [] }
    return state.withLock { state in
      guard var random = state.random else { return Array(queued) }
      defer { state.random = random }
      guard random.oneIn(3), let chosen = queued.randomElement(using: &random) else { return [] }
      return [chosen]
    }
  }
}
