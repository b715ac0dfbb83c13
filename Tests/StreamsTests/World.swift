import EventLog
import Simulation
import StateStore
import Synchronization

@testable import Streams

/// A log and a disk with one counting stage on them, run by one process after another.
///
/// Everything happens on the caller's thread: a process stops when its input has been dry for a
/// few polls, and time passes only then.
struct World {
  static let stage = "count"
  static let input = "events"
  static let output = "tallies"
  static let changelog = "app-count-changelog"

  let log = MemoryLog()
  let storage = MemoryStorage()
  let partitions: Int32
  var guarantee: ProcessingGuarantee
  var limits = BatchLimits()
  var commitSteps: [CommitStep]?
  /// How many partitions of its topics the stage uses.
  var inputCounts: [Int32?] = []
  var outputCounts: [Int32?] = []
  /// Once records are gone, the changelog no longer shows older states.
  var isCompacted = false

  init(_ guarantee: ProcessingGuarantee = .exactlyOnce, partitions: Int32 = 1) {
    self.guarantee = guarantee
    self.partitions = partitions
    log.createTopic(Self.input, partitions: Int(partitions))
    log.createTopic(Self.changelog, partitions: Int(partitions))
    log.createTopic(Self.output, partitions: 2)
  }

  func configuration(instance: String = "0") -> StageConfiguration {
    var configuration = StageConfiguration(
      name: Self.stage, application: "app", instance: instance, inputs: [Self.input],
      outputs: [Self.output], changelog: Self.changelog, tables: ["tallies"],
      guarantee: guarantee, limits: limits)
    configuration.inputCounts = inputCounts
    configuration.outputCounts = outputCounts
    return configuration
  }

  // MARK: Input

  func input(_ partition: Int32) -> TopicPartition { TopicPartition(Self.input, partition) }
  func changelog(_ partition: Int32) -> TopicPartition { TopicPartition(Self.changelog, partition) }

  /// Keys say their partition, so that each key's events have one order.
  func feed(_ value: Int, key: Int = 0, partition: Int32 = 0) throws {
    try log.append(
      to: input(partition), key: "\(partition)-\(key)".utf8Array, value: "\(value)".utf8Array)
  }

  func feed(_ values: some Sequence<Int>, keys: Int = 3) throws {
    for value in values {
      try feed(value, key: value % keys, partition: Int32(value) % partitions)
    }
  }

  func feedReset(key: Int, partition: Int32 = 0) throws {
    try log.append(
      to: input(partition), key: "\(partition)-\(key)".utf8Array, value: "reset".utf8Array)
  }

  // MARK: Processes

  /// What a process is made of, apart from the world.
  struct Run {
    var instance = "0"
    var delivery = SimulatedProcess.Delivery.immediate
    var maxFetchRecords = Int.max
    var faults: @Sendable (SimulatedProcess.Moment) -> SimulatedProcess.Fault? = { _ in nil }
    /// Called when a poll brings nothing, before the stop is considered.
    var onIdle: @Sendable () -> Void = {}
    /// Called after each commit step; returns whether the process dies there.
    var diesAfter: @Sendable (CommitStep) -> Bool = { _ in false }
    var idlePolls = 4
    var clock = SimulatedClock()
    /// Takes the stage's events.
    var events = EventSink.none
    /// The stage's thread, where it has several.
    var worker: Int?
    var standby: StandbyCopies<MemoryStore>?
    /// Stages before the counting one.
    var upstream: [StageMonitor] = []
    var releaseMemory: @Sendable () -> Void = {}
    /// Looks for a newer process of the same instance name.
    var findRival: (@Sendable () -> Reason?)?
    /// Milliseconds since 1970, for the ages of records.
    var time: (@Sendable () -> Int64)?
    /// Asks the stage to join its group again.
    var rejoin: RejoinRequest?
    /// Where the disk is; `nil` is the world's.
    var storage: MemoryStorage?
  }

  struct Result {
    var error: StageError?
    var process: SimulatedProcess
    var status: StageStatus
    var pauses: [Duration]
  }

  @discardableResult
  func run(_ run: Run = Run(), onStart: (SimulatedProcess) -> Void = { _ in }) -> Result {
    let clock = run.clock
    let stop = StopSignal()
    let idlePolls = Counter()
    let pauses = Pauses()
    let process = SimulatedProcess(
      "instance-\(run.instance)", delivery: run.delivery, maxFetchRecords: run.maxFetchRecords,
      faults: run.faults,
      onIdle: { _ in
        run.onIdle()
        clock.advance(by: .milliseconds(100))
        if idlePolls.next() >= run.idlePolls { stop.stop() }
      })
    let monitor = StageMonitor(stage: Self.stage)
    var environment = StageEnvironment(
      configuration: configuration(instance: run.instance), log: log.connected(process),
      storage: (run.storage ?? storage).mounted(process),
      events: .all([monitor.sink, run.events]), stop: stop,
      now: { clock.now },
      pause: { duration in
        clock.advance(by: duration)
        pauses.append(duration)
        // A stage that only ever waits would never see its input dry.
        if pauses.count > 200 { stop.stop() }
      },
      crashPoint: { step in
        if run.diesAfter(step) { process.kill() }
      })
    environment.commitSteps = commitSteps
    environment.configuration.worker = run.worker
    environment.standby = run.standby
    environment.upstream = run.upstream
    environment.releaseMemory = run.releaseMemory
    environment.findRival = run.findRival
    environment.rejoin = run.rejoin
    environment.time = run.time
    let loop = StageLoop(environment) { () throws(StageError) in CountingOperator() }
    onStart(process)
    var result = Result(error: nil, process: process, status: monitor.snapshot, pauses: [])
    do throws(StageError) { try loop.run() } catch { result.error = error }
    result.status = monitor.snapshot
    result.pauses = pauses.all
    return result
  }
}

final class Counter: Sendable {
  private let count = Mutex(0)

  func next() -> Int {
    count.withLock { count in
      count += 1
      return count
    }
  }

  var value: Int { count.withLock { $0 } }
}

final class Pauses: Sendable {
  private let durations = Mutex<[Duration]>([])

  func append(_ duration: Duration) { durations.withLock { $0.append(duration) } }
  var all: [Duration] { durations.withLock { $0 } }
  var count: Int { all.count }
}

/// Lets a hook reach something that belongs to a thread.
// Everything in these tests runs on the test's own thread.
final class OneThread<Value>: @unchecked Sendable {
  var value: Value

  init(_ value: Value) { self.value = value }
}

extension String {
  var utf8Array: [UInt8] { Array(utf8) }
}
