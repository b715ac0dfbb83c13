import Dispatch
import Synchronization

/// Runs numbered pieces of work on several threads. Any free thread takes the next piece, so no
/// result may depend on which thread computes what.
struct Threads: Sendable {
  /// At least 1.
  let count: Int

  init(_ count: Int) {
    precondition(count >= 1)
    self.count = count
  }

  /// Returns when all pieces are done.
  ///
  /// - Parameter body: gets the piece and the thread's number, below `count`; use it to index
  ///   memory that belongs to that thread.
  func forEach(_ pieces: Range<Int>, _ body: (_ piece: Int, _ thread: Int) -> Void) {
    let next = Atomic(pieces.lowerBound)
    withoutActuallyEscaping(body) { body in
      // Several threads use the closure's captures at once, but none after this returns. The doc
      // comment says what they may share.
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
