import Console
import Dispatch
import EventLog
import Foundation
import Logging
import Streams
import Synchronization
import Wiring

/// The daemon's way to its end, which begins with a signal or with a stage that can't go on, and takes no
/// longer than a deadline.
final class Shutdown: Sendable {
  let stop = StopSignal()
  private let deadline: Duration
  private let logger: Logger
  private let state = Mutex(State())

  private struct State {
    var hasBegun = false
    var failure: ExitStatus?
  }

  init(deadline: Duration, logger: Logger) {
    self.deadline = deadline
    self.logger = logger
  }

  /// What the first stage that failed stands for.
  var failure: ExitStatus? { state.withLock(\.failure) }

  /// Tells the stages to finish their batches. One that can't be finished (the broker is gone) is left to
  /// the restart, which finds the state whole; waiting longer would gain nothing.
  func begin() {
    let isFirst = state.withLock { state in
      defer { state.hasBegun = true }
      return !state.hasBegun
    }
    guard isFirst else { return }
    stop.stop()
    let end = DispatchTime.now() + deadline / .seconds(1)
    DispatchQueue.global().asyncAfter(deadline: end) { [self] in
      logger.warning("the deadline for stopping is over: leaving open batches to the next start")
      _exit((failure ?? .failure).rawValue)
    }
  }

  /// Ends the daemon because of a stage.
  func stageFailed(_ stage: String, _ error: StageError) {
    logger.critical(
      "a stage can't go on, stopping", metadata: ["stage": "\(stage)", "reason": "\(error)"])
    let status = ExitStatus(of: error as any Error) ?? .failure
    state.withLock { if $0.failure == nil { $0.failure = status } }
    begin()
  }
}
