import Configuration
import Console
import Foundation
import LMDBStore
import Pipeline
import Processes
import Streams
import Wiring

extension BenchBed {
  /// A restore reports its progress; a daemon that reports nothing for so long is stuck.
  private static let stallDeadline = Duration.seconds(60)
  private static let pause = 0.005

  /// Has a daemon process so many more events, and stops it.
  func buildState(_ workload: inout Workload, events: Int) throws {
    _ = try process(&workload, events: events)
    try stopDaemon()
  }

  /// Has a new daemon process so many more events.
  ///
  /// - Parameter note: called with each valid event's user.
  func process(
    _ workload: inout Workload, events: Int, note: (Int64) -> Void = { _ in }
  ) throws -> ChildProcess {
    try workload.preload(events, note: note)
    let daemon = try startDaemon()
    let watch = try LagWatch(self, daemon)
    var progress = ProgressBar("process", unit: "events", goal: .count(events))
    _ = try watch.wait { progress.refresh(min(max($0 - processed, 0), events)) }
    progress.finish(events)
    processed += events
    let dead = try ReadBack([settings.topology[.deadLetters]], self, label: "rejected events").total
    // A state of fewer events than the bench says would make its figures untrue.
    guard dead == workload.invalid else {
      throw CommandFailure(
        .failure, "\(dead) events were rejected, of which \(workload.invalid) are invalid")
    }
    return daemon
  }

  /// Deletes all stores. No daemon may run.
  func deleteState() throws {
    try FileManager.default.removeItem(atPath: settings.storage.root)
  }

  /// Waits until all stages of the daemon have their partitions and state.
  ///
  /// - Parameter onLook: called again and again with what the process uses; throws to end the wait.
  /// - Returns: the most the process has used at any time, of each kind of memory.
  @discardableResult
  func waitUntilReady(
    _ daemon: ChildProcess, onLook: (ProcessUsage) throws -> Void
  ) throws -> ProcessUsage {
    var peak: ProcessUsage?
    var count = 0
    var deadline = ContinuousClock.now + Self.stallDeadline
    while true {
      if let usage = ProcessUsage(of: daemon.processID) {
        peak = peak?.peak(with: usage) ?? usage
        try onLook(usage)
      }
      if let history = follower?.history, history.count > count {
        count = history.count
        deadline = .now + Self.stallDeadline
        if history.isReady, let peak { return peak }
      }
      try check()
      guard ContinuousClock.now < deadline else {
        throw CommandFailure(.failure, "the daemon has not become ready")
      }
      Thread.sleep(forTimeInterval: Self.pause)
    }
  }
}

extension ProcessUsage {
  /// The larger of each figure.
  func peak(with other: ProcessUsage) -> ProcessUsage {
    var peak = self
    peak.cpuSeconds = max(cpuSeconds, other.cpuSeconds)
    peak.peakBytes = max(peakBytes, other.peakBytes)
    peak.anonymousBytes = max(anonymousBytes, other.anonymousBytes)
    peak.mappedBytes = max(mappedBytes, other.mappedBytes)
    return peak
  }
}
