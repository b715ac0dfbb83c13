import Streams

/// One instance of the application: a disk, and the processes that run on it one after another.
// Only the holder of the scheduler's baton touches it.
final class Instance: @unchecked Sendable {
  let name: String
  let disk = MemoryStorage()
  private(set) var process: SimulatedProcess?
  private(set) var stop = StopSignal()
  private var threads: [Int] = []
  /// How many processes were started.
  private(set) var starts = 0
  /// When brokers can be reached again.
  var cutOffUntil: Duration = .zero
  /// Why the last process ended by itself.
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

  /// Releases the process, which refers to the run.
  func release() { process = nil }

  /// Whether no thread of its last process is running.
  func hasEnded(_ scheduler: Scheduler) -> Bool { threads.allSatisfy(scheduler.hasEnded) }

  /// The names of the threads that are still running.
  func running(_ scheduler: Scheduler) -> [String] {
    threads.filter { !scheduler.hasEnded($0) }.map(scheduler.name)
  }
}
