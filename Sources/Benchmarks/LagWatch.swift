import Configuration
import Console
import EventLog
import Foundation
import KafkaLog
import Pipeline
import Processes
import Streams

/// Watches the stages' consumer groups until they have read everything.
final class LagWatch {
  private static let pause = 0.05
  /// No stage moves for so long: something is wrong.
  private static let stallDeadline = Duration.seconds(120)
  /// How long the end of a partition may take to answer.
  private static let probePatience = Duration.seconds(5)

  /// When everything was read, and what was true then.
  struct Result {
    var time: ContinuousClock.Instant
    /// The daemon's, at the look that found it.
    var usage: ProcessUsage?
  }

  private let bed: BenchBed
  private let daemon: ChildProcess
  private let groups: [GroupInputs]
  private let seeingAll: [GroupInputs]
  private let firstOutputs: String
  private var probe: PartitionReader<KafkaConsumer>

  init(_ bed: BenchBed, _ daemon: ChildProcess) throws {
    self.bed = bed
    self.daemon = daemon
    let topology = bed.settings.topology
    let stages = topology.stages.filter { !$0.pacing.answersRequests }
    groups = stages.map { stage in
      GroupInputs(
        stage: stage.name, group: topology.group(of: stage),
        partitions: bed.topics.partitions(of: topology.inputs(of: stage)))
    }
    // Those that only project see the newest of each key, and not every event.
    seeingAll = zip(stages, groups).filter { $0.0.projectsTo == nil }.map(\.1)
    firstOutputs = topology[.validationResults]
    probe = try PartitionReader(
      bed.log,
      ConsumerConfiguration(
        topics: stages.flatMap { topology.inputs(of: $0) }, group: nil,
        clientID: "projectionist-bench-probe",
        maxQueuedBytes: 1 << 20, fetchWait: .milliseconds(10)))
  }

  /// Waits until the daemon's first output is stored, whether committed or not.
  ///
  /// - Parameter look: called again and again meanwhile.
  func firstOutput(look: () -> Void) throws -> ContinuousClock.Instant {
    let consumer = try bed.log.makeConsumer(
      ConsumerConfiguration(
        topics: [firstOutputs], group: nil, clientID: "projectionist-bench-first",
        readCommitted: false))
    defer { consumer.close() }
    let partitions = bed.topics.partitions(of: [firstOutputs])
    let end = ContinuousClock.now + Self.stallDeadline
    while true {
      for partition in partitions where try !consumer.offsets(of: partition).isEmpty {
        return .now
      }
      try bed.check()
      look()
      guard ContinuousClock.now < end else { throw Self.stalled("no stage has begun") }
      Thread.sleep(forTimeInterval: 0.01)
    }
  }

  /// Waits until all stages have read all there is.
  ///
  /// - Parameter progress: called again and again with how many events have passed the slowest of
  ///   the stages that see each.
  func wait(progress: (Int) -> Void) throws -> Result {
    var lag = ZeroLag(groups)
    var result: Result?
    while true {
      let look = try look()
      let now = ContinuousClock.now
      let usage = ProcessUsage(of: daemon.processID)
      try lag.note(look, at: now, holdsRecords: holdsRecords)
      if let since = lag.since {
        if result?.time != since { result = Result(time: since, usage: usage) }
        if let result, lag.isReached(at: now) { return result }
      } else {
        progress(seeingAll.map { Int(ZeroLag.passed(look, $0)) }.min() ?? 0)
      }
      try bed.check()
      if let last = lag.lastProgress, now - last > Self.stallDeadline {
        throw Self.stalled("no stage has moved for \(Self.stallDeadline)")
      }
      Thread.sleep(forTimeInterval: Self.pause)
    }
  }

  /// Committed offsets first, then ends: see `ZeroLag`.
  func look() throws -> ZeroLag.Look {
    var committed: [String: [TopicPartition: Int64]] = [:]
    for group in groups {
      committed[group.group] = try bed.admin.committed(group: group.group, of: group.partitions)
    }
    let offsets = try bed.admin.offsets(of: groups.flatMap(\.partitions))
    return ZeroLag.Look(committed: committed, offsets: offsets)
  }

  /// Whether anything but transaction markers lies there.
  private func holdsRecords(_ partition: TopicPartition, _ range: Range<Int64>) throws -> Bool {
    do throws(LogError) {
      return try probe.holdsRecords(partition, range, patience: Self.probePatience)
    } catch {
      try bed.check()
      guard error.code == .unavailable else { throw error }
      // Not known, so the stage may still have something to read.
      return true
    }
  }

  private static func stalled(_ what: String) -> CommandFailure {
    CommandFailure(.failure, "\(what): the daemon is stuck, or not reading these topics")
  }
}
