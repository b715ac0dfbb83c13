import Dispatch
import Foundation
import Synchronization

/// SIGTERM and SIGINT: the first asks for an orderly end, the second ends the process at once.
///
/// Keep the value alive as long as signals shall be caught.
package final class Termination {
  /// 128 + SIGTERM's number, as a shell reports it.
  private static let secondSignalStatus: Int32 = 143

  private let sources: [any DispatchSourceSignal]

  package init(_ first: @escaping @Sendable () -> Void) {
    let counter = Counter()
    sources = [SIGTERM, SIGINT].map { number in
      signal(number, SIG_IGN)
      let source = DispatchSource.makeSignalSource(
        signal: number, queue: .global(qos: .userInitiated))
      source.setEventHandler {
        guard counter.increment() == 1 else { _exit(Self.secondSignalStatus) }
        first()
      }
      source.resume()
      return source
    }
  }

  private final class Counter: Sendable {
    private let value = Mutex(0)

    func increment() -> Int {
      value.withLock {
        $0 += 1
        return $0
      }
    }
  }
}
