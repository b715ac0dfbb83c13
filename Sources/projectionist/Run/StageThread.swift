import Foundation
import Logging
import Streams
import Synchronization

/// An OS thread that runs one stage. librdkafka, LMDB and hiredis block, and each of their handles
/// belongs to the thread that made it.
final class StageThread: Sendable {
  enum Outcome: Sendable {
    case running
    case finished
    case failed(StageError)
  }

  let stage: String
  let monitor: StageMonitor
  private let outcomeCell = Mutex(Outcome.running)

  init(stage: String, monitor: StageMonitor) {
    self.stage = stage
    self.monitor = monitor
  }

  var outcome: Outcome { outcomeCell.withLock { $0 } }

  /// Starts the thread. `body` runs the stage's loop until it ends; `ended` is called after it.
  ///
  /// - Parameter niceness: how much nicer than the process the thread is, with those of the clients it
  ///   makes. Where two threads want a processor, one that is 5 nicer gets a quarter of it.
  func start(
    niceness: Int32, _ body: @escaping @Sendable () throws(StageError) -> Void,
    ended: @escaping @Sendable () -> Void
  ) {
    let thread = Thread { [self] in
      Self.nameThread("stage-\(stage)")
      // Linux has a nice value for each thread, which new threads inherit; nobody is denied a higher one.
      if niceness > 0 { _ = nice(niceness) }
      do throws(StageError) {
        try body()
        outcomeCell.withLock { $0 = .finished }
      } catch {
        outcomeCell.withLock { $0 = .failed(error) }
      }
      ended()
    }
    thread.stackSize = 4 << 20
    thread.start()
  }

  /// Names the calling thread for `top -H` and profilers, which Foundation's own name does not.
  static func nameThread(_ name: String) {
    FileHandle(forWritingAtPath: "/proc/thread-self/comm")?.write(Data(name.utf8))
  }
}
