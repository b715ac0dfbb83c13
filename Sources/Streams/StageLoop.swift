public import EventLog
public import Logging
public import StateStore

/// What a stage runs on: its log, its storage, and the world's few other facts.
public struct StageEnvironment<Log: EventLog, Storage: StateStorage>: Sendable {
  public var configuration: StageConfiguration
  public var log: Log
  public var storage: Storage
  public var monitor: StageMonitor
  public var logger: Logger
  public var events: EventSink = .none
  var role = EngineEvent.Role.stage
  public var stop: StopSignal
  /// Copies of other instances' partitions, of which the stage takes those it is assigned.
  public var standby: StandbyCopies<Storage.Store>?
  /// Stages of this process that what this one reads goes through. Their lag tells whether a large
  /// batch is worth keeping open.
  public var upstream: [StageMonitor] = []
  /// Monotonic time, for the age of batches and the rate of restores.
  public var now: @Sendable () -> ContinuousClock.Instant
  /// Waits before something is tried again.
  public var pause: @Sendable (Duration) -> Void
  /// Called when large batches are over and their memory is free.
  public var releaseMemory: @Sendable () -> Void = {}
  /// Runs the commits of a restore beside the stage's thread; on it unless set.
  public var inBackground: BackgroundWork = { $0() }
  /// Called after each step of a commit; a simulation ends the process here.
  public var crashPoint: @Sendable (CommitStep) -> Void
  /// Replaces the commit protocol's steps, so that a test can show that a wrong order is caught.
  package var commitSteps: [CommitStep]?

  public init(
    configuration: StageConfiguration, log: Log, storage: Storage, monitor: StageMonitor,
    logger: Logger, stop: StopSignal,
    now: @escaping @Sendable () -> ContinuousClock.Instant = { .now },
    pause: @escaping @Sendable (Duration) -> Void,
    crashPoint: @escaping @Sendable (CommitStep) -> Void = { _ in }
  ) {
    self.configuration = configuration
    self.log = log
    self.storage = storage
    self.monitor = monitor
    self.logger = logger
    self.stop = stop
    self.now = now
    self.pause = pause
    self.crashPoint = crashPoint
  }
}

/// Runs a stage on the calling thread until it is told to stop or can't go on.
public struct StageLoop<
  Log: EventLog, Storage: StateStorage, Operator: StageOperator & ~Copyable
>
where Operator.Store == Storage.Store, Operator.Producer == Log.Producer {
  private let environment: StageEnvironment<Log, Storage>
  private let makeOperator: () throws(StageError) -> Operator

  /// - Parameter makeOperator: called for each membership in the group: a stage that was fenced
  ///   starts again with nothing in memory.
  public init(
    _ environment: StageEnvironment<Log, Storage>,
    makeOperator: @escaping () throws(StageError) -> Operator
  ) {
    self.environment = environment
    self.makeOperator = makeOperator
  }

  /// - Throws: an error whose reaction is `.stopDaemon`.
  public func run() throws(StageError) {
    defer { environment.monitor.update { $0.phase = .stopped } }
    var failures = 0
    var batches: Int64 = 0
    while !environment.stop.isStopped {
      do throws(StageError) {
        try runSession()
      } catch {
        switch error.reaction {
        case .stopDaemon:
          if case .stopped = error { return }
          throw error
        case .retry, .abortBatch, .abandonPartition, .rebuildStore:
          let batchesNow = environment.monitor.snapshot.batches
          if batchesNow > batches { failures = 0 }
          batches = batchesNow
          failures += 1
          if failures == 1 {
            environment.logger.warning(
              "leaving the group to join it again", metadata: ["reason": "\(error)"])
          }
          environment.monitor.update {
            $0.phase = .waiting(error.description)
            // Whoever reads what this stage writes waits for no backlog that may be another's by now.
            $0.partitions = [:]
          }
          environment.pause(.milliseconds(min(5_000, 100 << min(failures, 6))))
        }
      }
    }
  }

  private func runSession() throws(StageError) {
    let session = try StageSession<Log, Storage, Operator>(environment, operator: makeOperator())
    defer { session.close() }
    do throws(StageError) { try session.run() } catch {
      if error.reaction == .rebuildStore { try session.destroyStores() }
      throw error
    }
  }
}
