import Foundation
import ServiceLifecycle
import UnixSignals

/// SIGTERM, SIGINT and SIGHUP: the first asks for an orderly end, the second ends the process at
/// once. A terminal that closes may send SIGHUP more than once, so that one is never the second.
struct Termination<Signals: AsyncSequence<UnixSignal, Never> & Sendable>: Service {
  let signals: Signals
  /// Called after the first signal.
  let first: @Sendable () async -> Void
  /// Called after the second.
  let second: @Sendable () -> Void

  func run() async throws {
    var isFirst = true
    for await signal in signals.cancelOnGracefulShutdown() {
      if isFirst { await first() } else if signal != .sighup { second() }
      isFirst = false
    }
  }
}
