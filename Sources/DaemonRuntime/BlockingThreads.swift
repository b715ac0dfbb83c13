import Foundation
import Synchronization

/// The daemon's OS threads. librdkafka, LMDB and hiredis block, which no thread of the concurrency
/// pool may do, and each of their handles belongs to the thread that made it.
final class BlockingThreads: Sendable {
  private let running = Atomic(0)

  /// Whether any thread is still at work.
  var areRunning: Bool { running.load(ordering: .acquiring) > 0 }

  /// Runs `body` on a new thread and waits for its result.
  ///
  /// - Parameters:
  ///   - name: shown by `top -H` and profilers, at most 15 bytes; threads that `body` starts
  ///     inherit it. `nil` keeps the process's name.
  ///   - niceness: how much nicer than the process the thread is, with those of the clients it
  ///     makes. Where two threads want a processor, one that is 5 nicer gets a quarter of it.
  /// - Throws: what `body` throws; `CancellationError` when the task is cancelled, which abandons
  ///   the thread.
  func run<Value: Sendable>(
    _ name: String? = nil, niceness: Int32 = 0, _ body: @escaping @Sendable () throws -> Value
  ) async throws -> Value {
    let outcome = Outcome<Value>()
    return try await withTaskCancellationHandler {
      try await withCheckedThrowingContinuation { continuation in
        guard outcome.resumes(continuation) else { return }
        running.add(1, ordering: .acquiringAndReleasing)
        let thread = Thread { [self] in
          Self.prepare(name, niceness)
          let result = Result { try body() }
          running.subtract(1, ordering: .acquiringAndReleasing)
          outcome.settle(result)
        }
        thread.stackSize = 4 << 20
        thread.start()
      }
    } onCancel: {
      outcome.settle(.failure(CancellationError()))
    }
  }

  private static func prepare(_ name: String?, _ niceness: Int32) {
    // Foundation's own name does not reach the kernel.
    if let name {
      FileHandle(forWritingAtPath: "/proc/thread-self/comm")?.write(Data(name.utf8))
    }
    // Linux has a nice value for each thread, which new threads inherit; raising it needs no right.
    if niceness > 0 { _ = nice(niceness) }
  }
}

/// A result that the thread and a cancellation compete for: the first of them decides.
private final class Outcome<Value: Sendable>: Sendable {
  private enum State {
    case open
    case awaited(CheckedContinuation<Value, any Error>)
    case settled
  }

  private let state = Mutex(State.open)

  /// - Returns: false if a cancellation came first; the continuation is resumed then.
  func resumes(_ continuation: CheckedContinuation<Value, any Error>) -> Bool {
    let isOpen = state.withLock { state in
      guard case .open = state else { return false }
      state = .awaited(continuation)
      return true
    }
    if !isOpen { continuation.resume(throwing: CancellationError()) }
    return isOpen
  }

  func settle(_ result: Result<Value, any Error>) {
    let continuation: CheckedContinuation<Value, any Error>? = state.withLock { state in
      defer { state = .settled }
      guard case .awaited(let continuation) = state else { return nil }
      return continuation
    }
    continuation?.resume(with: result)
  }
}
