import Foundation
import ServiceLifecycle
import UnixSignals

/// SIGTERM and SIGINT: the first asks for an orderly end, the second ends the process at once.
struct Termination<Signals: AsyncSequence<UnixSignal, Never> & Sendable>: Service {
  let signals: Signals
  /// Called after the first signal.
  let first: @Sendable () async -> Void
  /// Called after the second.
  let second: @Sendable () -> Void

  func run() async throws {
    var count = 0
    for await _ in signals.cancelOnGracefulShutdown() {
      count += 1
      if count == 1 { await first() } else { second() }
    }
  }
}
