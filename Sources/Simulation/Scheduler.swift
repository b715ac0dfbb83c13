import Foundation
import Synchronization

/// Runs threads one at a time, in an order decided by a seed, so that a run is the same on every
/// machine.
///
/// The threads are real, because the stage code blocks, but only one of them has the *baton*.
/// Before each effect it asks the scheduler (`pass`), which lets it go on or hands the baton to
/// another one. A thread that waits for time to pass gets no turn before then; when all of them
/// wait, the clock advances to the first one due. Apart from that, time only advances a little with
/// each effect.
///
/// The thread that made the scheduler has the baton first.
public final class Scheduler: Sendable {
  private struct Participant {
    let name: String
    var process: SimulatedProcess?
    let baton = DispatchSemaphore(value: 0)
    /// It has nothing to do before.
    var wakes: Duration
    /// How many polls in a row brought nothing.
    var idlePolls = 0
    var hasEnded = false
  }

  private struct State {
    var participants: [Participant]
    var running = 0
    var random: SeededGenerator
    var steps = 0
    var nextTick: Duration = .zero
  }

  /// How often the brokers check the time.
  private static let tick: Duration = .milliseconds(250)
  /// The longest that one effect takes.
  private static let longestEffect = 4_000
  /// Large enough for stage code in debug builds.
  private static let stackSize = 1 << 20

  public let clock = SimulatedClock()
  private let state: Mutex<State>
  /// One in this many effects hands the baton over, on average.
  private let switchRate: Int
  private let onTick: @Sendable (Duration) -> Void

  /// - Parameters:
  ///   - switchRate: one in this many effects is followed by another thread's, on average.
  ///   - onTick: called at regular simulated intervals.
  public init(seed: UInt64, switchRate: Int, onTick: @escaping @Sendable (Duration) -> Void) {
    self.switchRate = switchRate
    self.onTick = onTick
    state = Mutex(
      State(
        participants: [Participant(name: "director", process: nil, wakes: .zero)],
        random: SeededGenerator(seed: seed)))
  }

  public var now: Duration { clock.passed }
  /// How many turns there were.
  public var steps: Int { state.withLock { $0.steps } }
  /// Whose turn it is.
  public var current: String { state.withLock { $0.participants[$0.running].name } }

  // MARK: Threads

  /// Makes a thread that runs `body` when its turn comes.
  ///
  /// - Returns: a number for `hasEnded`.
  public func spawn(
    _ name: String, of process: SimulatedProcess, _ body: @escaping @Sendable () -> Void
  ) -> Int {
    let now = self.now
    let (number, baton) = state.withLock { state in
      state.participants.append(Participant(name: name, process: process, wakes: now))
      let number = state.participants.count - 1
      return (number, state.participants[number].baton)
    }
    let thread = Thread { [self] in
      baton.wait()
      body()
      end(number)
    }
    thread.stackSize = Self.stackSize
    thread.start()
    return number
  }

  /// The name a participant was added under.
  public func name(of number: Int) -> String { state.withLock { $0.participants[number].name } }

  public func hasEnded(_ number: Int) -> Bool {
    state.withLock { $0.participants[number].hasEnded }
  }

  private func end(_ number: Int) {
    let next = state.withLock { state in
      state.participants[number].hasEnded = true
      state.participants[number].process = nil
      return choose(&state)
    }
    next.signal()
  }

  // MARK: Turns

  /// One effect: lets another thread have its turn if the seed says so.
  func pass() {
    hand { state in
      state.participants[state.running].idlePolls = 0
      clock.advance(by: .microseconds(Int.random(in: 0...Self.longestEffect, using: &state.random)))
      return !state.random.oneIn(switchRate)
    }
  }

  /// Lets time pass for the calling thread.
  public func sleep(_ duration: Duration) {
    hand { state in
      state.participants[state.running].wakes = clock.passed + duration
      return false
    }
  }

  /// Lets the time pass that a poll waits. A thread that has had nothing for long gets fewer turns.
  func idle(_ timeout: Duration) {
    guard timeout > .zero else { return }
    hand { state in
      let mine = state.running
      state.participants[mine].idlePolls += 1
      let factor = min(20, max(1, state.participants[mine].idlePolls - 8))
      state.participants[mine].wakes = clock.passed + timeout * factor
      return false
    }
  }

  /// - Parameter keeps: updates the state, and returns whether the caller may go on at once.
  private func hand(_ keeps: (inout State) -> Bool) {
    let batons = state.withLock { state -> (mine: DispatchSemaphore, next: DispatchSemaphore)? in
      state.steps += 1
      let running = state.running
      if keeps(&state), clock.passed < state.nextTick, isReady(state.participants[running]) {
        return nil
      }
      let next = choose(&state)
      return state.running == running ? nil : (state.participants[running].baton, next)
    }
    guard let batons else { return }
    batons.next.signal()
    batons.mine.wait()
  }

  /// Whose turn is next. Lets time pass until someone is ready.
  private func choose(_ state: inout State) -> DispatchSemaphore {
    while true {
      if clock.passed >= state.nextTick {
        state.nextTick = clock.passed + Self.tick
        onTick(clock.passed)
      }
      let ready = state.participants.indices.filter { isReady(state.participants[$0]) }
      if let chosen = ready.randomElement(using: &state.random) {
        state.running = chosen
        return state.participants[chosen].baton
      }
      let first = state.participants.filter { !$0.hasEnded }.map { wakes($0) }.min()
      let next = min(first ?? state.nextTick, state.nextTick)
      clock.advance(by: max(.zero, next - clock.passed))
    }
  }

  private func isReady(_ participant: Participant) -> Bool {
    !participant.hasEnded && wakes(participant) <= clock.passed
  }

  private func wakes(_ participant: Participant) -> Duration {
    guard let process = participant.process else { return participant.wakes }
    // Dead processes do nothing but end.
    guard process.isAlive else { return .zero }
    return max(participant.wakes, process.stalledUntil)
  }
}
