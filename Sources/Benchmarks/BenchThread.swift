import Foundation
import Synchronization

/// An OS thread with work of a bench; librdkafka's and hiredis's calls block.
final class BenchThread<Value: Sendable>: Sendable {
  private let result = Mutex<Result<Value, any Error>?>(nil)
  private let ended = DispatchSemaphore(value: 0)

  init(_ name: String, _ body: @escaping @Sendable () throws -> Value) {
    let thread = Thread { [self] in
      let outcome = Result { try body() }
      result.withLock { $0 = outcome }
      ended.signal()
    }
    thread.name = name
    thread.start()
  }

  /// Throws what the body has thrown, if it has ended like that; to be called now and then.
  func check() throws {
    if case .failure(let error) = result.withLock({ $0 }) { throw error }
  }

  /// Waits for its end. To be called once.
  func join() throws -> Value {
    ended.wait()
    guard let result = result.withLock({ $0 }) else { throw CancellationError() }
    return try result.get()
  }
}
