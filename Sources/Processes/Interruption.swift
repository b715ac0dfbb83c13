import Dispatch
import Foundation
import Synchronization

/// SIGINT, SIGTERM and SIGHUP while a command has processes of its own: the first asks the command
/// to clean up and end, the second ends it and its children at once.
///
/// Keep the value alive as long as signals shall be caught.
package final class Interruption {
  /// Tells of the first signal.
  package struct Requested: Error, CustomStringConvertible {
    package let signal: Int32

    /// What a shell reports.
    package var exitStatus: Int32 { 128 + signal }
    package var description: String { "interrupted" }
  }

  private static let signals = [SIGINT, SIGTERM, SIGHUP]

  private let first = FirstSignal()
  private let sources: [any DispatchSourceSignal]

  package init() {
    sources = Self.signals.map { [first] number in
      signal(number, SIG_IGN)
      let source = DispatchSource.makeSignalSource(
        signal: number, queue: .global(qos: .userInitiated))
      source.setEventHandler {
        guard !first.note(number) else { return }
        ChildProcess.killAll()
        _exit(Requested(signal: number).exitStatus)
      }
      source.resume()
      return source
    }
  }

  deinit {
    for source in sources { source.cancel() }
    for number in Self.signals { signal(number, SIG_DFL) }
  }

  package var isRequested: Bool { first.signal != nil }

  /// Throws once a signal has come. To be called between the steps of whatever takes long.
  package func check() throws(Requested) {
    if let signal = first.signal { throw Requested(signal: signal) }
  }

  private final class FirstSignal: Sendable {
    private let number = Mutex<Int32?>(nil)

    var signal: Int32? { number.withLock { $0 } }

    /// False when another came before.
    func note(_ signal: Int32) -> Bool {
      number.withLock { number in
        guard number == nil else { return false }
        number = signal
        return true
      }
    }
  }
}
