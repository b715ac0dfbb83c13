import Console
import Dispatch
import Foundation
import Synchronization

/// SIGINT, SIGQUIT, SIGTERM and SIGHUP while a command has processes of its own: the first asks the
/// command to clean up and end, the second ends it and its children at once. A command that shows
/// something is asked to end as well when nobody reads it any more, as if SIGPIPE had come.
///
/// For commands that block: those that are services use swift-service-lifecycle. Signals are caught
/// as long as the value lives.
package final class Interruption {
  /// The first signal has come.
  package struct Requested: Error, CustomStringConvertible {
    let signal: Int32

    /// What a shell reports.
    package var exitStatus: Int32 { 128 + signal }
    package var description: String { "interrupted" }
  }

  private static let signals = [SIGINT, SIGQUIT, SIGTERM, SIGHUP]

  private let first = FirstSignal()
  private let sources: [any DispatchSourceSignal]
  private let watchesOutput: Bool

  /// - Parameter watchesOutput: whether to end when standard output has no reader any more.
  package init(watchesOutput: Bool = false) {
    self.watchesOutput = watchesOutput
    if watchesOutput { signal(SIGPIPE, SIG_IGN) }
    // Whoever starts a command with nohup(1) wants it to outlive the terminal.
    let numbers = Self.signals.filter { $0 != SIGHUP || !SignalDisposition.isIgnored(SIGHUP) }
    sources = numbers.map { [first] number in
      signal(number, SIG_IGN)
      let source = DispatchSource.makeSignalSource(
        signal: number, queue: .global(qos: .userInitiated))
      source.setEventHandler {
        // A terminal that closes is noticed in both ways.
        guard !first.note(number), number != SIGHUP else { return }
        ChildProcess.killAll()
        _exit(Requested(signal: number).exitStatus)
      }
      source.resume()
      return source
    }
  }

  deinit {
    for source in sources { source.cancel() }
    for source in sources { signal(Int32(source.handle), SIG_DFL) }
  }

  package var isRequested: Bool {
    // On a terminal SIGHUP comes as well.
    if watchesOutput, StandardStream.output.isAbandoned { _ = first.note(SIGPIPE) }
    return first.signal != nil
  }

  /// Throws once a signal has come. Call it between the steps of long work.
  package func check() throws(Requested) {
    if isRequested, let signal = first.signal { throw Requested(signal: signal) }
  }

  /// Waits so long, or until the first signal.
  package func pause(_ duration: Duration) { first.wait(duration) }

  private final class FirstSignal: Sendable {
    private let number = Mutex<Int32?>(nil)
    /// Open once there is a signal.
    private let gate = DispatchSemaphore(value: 0)

    var signal: Int32? { number.withLock { $0 } }

    /// False when another came before.
    func note(_ signal: Int32) -> Bool {
      let isFirst = number.withLock { number in
        guard number == nil else { return false }
        number = signal
        return true
      }
      if isFirst { gate.signal() }
      return isFirst
    }

    func wait(_ duration: Duration) {
      // Whoever passes leaves the gate open for the next.
      if gate.wait(timeout: .now() + duration / .seconds(1)) == .success { gate.signal() }
    }
  }
}
