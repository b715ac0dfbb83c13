public import EventLog
import StateStore
import Synchronization

/// One run of the daemon, as the simulated log and stores see it: every effect of their handles
/// passes through here, where it can fail, succeed without saying so, or be the process's last.
///
/// A dead process has no effects any more: each call of its handles throws `.stopDaemon`. Its
/// successor is a new `SimulatedProcess` on the same log and storage.
public final class SimulatedProcess: Sendable {
  /// What a process does to the world outside it.
  public enum Effect: Hashable, Sendable, CaseIterable {
    case makeConsumer, poll, assign, unassign, commitOffsets
    case makeProducer, send, flush, beginTransaction, commitTransaction, abortTransaction
    case openStore, destroyStore, commitStore
  }

  /// What goes wrong with one effect. `fail` before it, `failAfterwards` after it took place: its
  /// outcome is unknown to the caller.
  public enum Fault: Sendable {
    case fail(LogError)
    case failAfterwards(LogError)
    case die
    case dieAfterwards
    /// A poll goes back this many offsets on each partition first.
    case redeliver(Int64)
  }

  /// Which effect is about to take place.
  public struct Moment: Hashable, Sendable {
    public var effect: Effect
    /// How many effects of this kind the process has had before.
    public var number: Int
    /// How many effects of any kind it has had before.
    public var total: Int
  }

  /// When a producer's queued records, and the markers of its committed transactions, reach the log.
  public enum Delivery: Sendable {
    case immediate
    case onFlush
    /// Records at some later send, or at the flush: what is queued at death is lost. Markers at
    /// the commit, or when somebody waits for them.
    case seeded(UInt64)
  }

  private struct State {
    var isAlive = true
    var counts: [Effect: Int] = [:]
    var total = 0
    var random: SeededGenerator?
  }

  public let name: String
  private let state: Mutex<State>
  private let deliversOnFlush: Bool
  private let maxFetchRecords: Int
  private let faults: @Sendable (Moment) -> Fault?
  private let onIdle: @Sendable (_ group: String?) -> Void

  /// - Parameters:
  ///   - maxFetchRecords: the most records one poll brings.
  ///   - faults: asked before every effect.
  ///   - onIdle: called by a poll that brings nothing, with the consumer's group. It may do
  ///     anything to the log, to the stop signal and to the clock: nothing else passes the time.
  public init(
    _ name: String = "process", delivery: Delivery = .immediate, maxFetchRecords: Int = .max,
    faults: @escaping @Sendable (Moment) -> Fault? = { _ in nil },
    onIdle: @escaping @Sendable (_ group: String?) -> Void = { _ in }
  ) {
    self.name = name
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
    state.withLock { $0.isAlive = false }
  }

  static let death = LogError(.other, "the simulated process is dead", reaction: .stopDaemon)

  // MARK: Effects

  func checkAlive() throws(LogError) {
    guard isAlive else { throw Self.death }
  }

  func perform<R>(_ effect: Effect, _ body: () throws(LogError) -> R) throws(LogError) -> R {
    try perform(effect) { (_: Int64) throws(LogError) -> R in try body() }
  }

  /// - Parameter body: told how many offsets to go back first.
  func perform<R>(_ effect: Effect, _ body: (_ redelivered: Int64) throws(LogError) -> R)
    throws(LogError) -> R
  {
    let fault = try begin(effect)
    var redelivered: Int64 = 0
    switch fault {
    case .fail(let error): throw error
    case .die:
      kill()
      throw Self.death
    case .redeliver(let offsets): redelivered = offsets
    case .failAfterwards, .dieAfterwards, nil: break
    }
    let result = try body(redelivered)
    switch fault {
    case .failAfterwards(let error): throw error
    case .dieAfterwards:
      kill()
      throw Self.death
    case .fail, .die, .redeliver, nil: return result
    }
  }

  private func begin(_ effect: Effect) throws(LogError) -> Fault? {
    let moment = state.withLock { state -> Moment? in
      guard state.isAlive else { return nil }
      let moment = Moment(
        effect: effect, number: state.counts[effect, default: 0], total: state.total)
      state.counts[effect, default: 0] += 1
      state.total += 1
      return moment
    }
    guard let moment else { throw Self.death }
    return faults(moment)
  }

  /// How a store says the same.
  static func storeError(_ error: LogError) -> StoreError {
    StoreError(error.message, remedy: error.reaction == .rebuildStore ? .rebuild : .stop)
  }

  // MARK: Choices

  func idle(group: String?) {
    onIdle(group)
  }

  func fetchLimit(_ maxRecords: Int) -> Int {
    min(maxRecords, maxFetchRecords)
  }

  /// Whether a committed transaction becomes visible at once.
  func writesMarkers() -> Bool {
    state.withLock { $0.random?.oneIn(2) ?? true }
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
