import Dispatch
import Synchronization

/// Runs numbered pieces of work on several threads. Whoever is free takes the next piece, so nothing
/// that a piece computes may depend on who computed the others.
struct Threads: Sendable {
  /// At least 1.
  let count: Int

  init(_ count: Int) {
    precondition(count >= 1)
    self.count = count
  }

  /// Returns when all pieces are done.
  ///
  /// - Parameter body: is given the piece and the thread's number, below `count`, which names memory
  ///   that only it uses meanwhile.
  func forEach(_ pieces: Range<Int>, _ body: (_ piece: Int, _ thread: Int) -> Void) {
    let next = Atomic(pieces.lowerBound)
    withoutActuallyEscaping(body) { body in
      // The closure's captures are used by several threads at once, but none after this returns; what
      // may be shared is said above.
      nonisolated(unsafe) let body = body
      DispatchQueue.concurrentPerform(iterations: min(count, max(pieces.count, 1))) { thread in
        while true {
          let piece = next.wrappingAdd(1, ordering: .relaxed).oldValue
          guard piece < pieces.upperBound else { return }
          body(piece, thread)
        }
      }
    }
  }
}
