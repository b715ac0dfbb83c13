import Foundation
import Streams

/// An OS thread that runs one stage. librdkafka, LMDB and hiredis block, and each of their handles
/// belongs to the thread that made it.
final class StageThread: Sendable {
  let stage: String
  let monitor: StageMonitor

  init(stage: String, monitor: StageMonitor) {
    self.stage = stage
    self.monitor = monitor
  }

  /// Starts the thread. `body` runs the stage's loop until it ends; `ended` is called after it, with the
  /// error after which it can't go on.
  ///
  /// - Parameter niceness: how much nicer than the process the thread is, with those of the clients it
  ///   makes. Where two threads want a processor, one that is 5 nicer gets a quarter of it.
  func start(
    niceness: Int32, _ body: @escaping @Sendable () throws(StageError) -> Void,
    ended: @escaping @Sendable (StageError?) -> Void
  ) {
    let thread = Thread { [self] in
      Self.nameThread("stage-\(stage)")
      // Linux has a nice value for each thread, which new threads inherit; nobody is denied a higher one.
      if niceness > 0 { _ = nice(niceness) }
      do throws(StageError) {
        try body()
        ended(nil)
      } catch {
        ended(error)
      }
    }
    thread.stackSize = 4 << 20
    thread.start()
  }

  /// Names the calling thread for `top -H` and profilers, which Foundation's own name does not.
  static func nameThread(_ name: String) {
    FileHandle(forWritingAtPath: "/proc/thread-self/comm")?.write(Data(name.utf8))
  }
}
