import Streams

/// One instance of the application: a place with a disk, and the processes that run there one after
/// the other.
// Only who has the scheduler's baton touches it.
final class Instance: @unchecked Sendable {
  let name: String
  let disk = MemoryStorage()
  private(set) var process: SimulatedProcess?
  private(set) var stop = StopSignal()
  private var threads: [Int] = []
  /// How often a process was started.
  private(set) var starts = 0
  /// Until when no broker is reached.
  var cutOffUntil: Duration = .zero
  /// Why the last process has ended by itself.
  var failure: StageError?

  init(_ name: String) {
    self.name = name
  }

  var isAlive: Bool { process?.isAlive == true }

  func begin(_ process: SimulatedProcess, _ stop: StopSignal) {
    self.process = process
    self.stop = stop
    threads = []
    failure = nil
    starts += 1
  }

  func add(thread: Int) { threads.append(thread) }

  /// Lets go of the process, which knows the run.
  func release() { process = nil }

  /// Whether nothing of its last process runs any more.
  func hasEnded(_ scheduler: Scheduler) -> Bool { threads.allSatisfy(scheduler.hasEnded) }

  /// Names of the threads that have not ended.
  func running(_ scheduler: Scheduler) -> [String] {
    threads.filter { !scheduler.hasEnded($0) }.map(scheduler.name)
  }
}
