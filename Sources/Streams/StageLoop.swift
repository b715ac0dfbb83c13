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
  public var stop: StopSignal
  /// Copies of other instances' partitions, of which the stage takes those it is assigned.
  public var standby: StandbyCopies<Storage.Store>?
  /// Monotonic time, for the age of batches and the rate of restores.
  public var now: @Sendable () -> ContinuousClock.Instant
  /// Waits before something is tried again.
  public var pause: @Sendable (Duration) -> Void
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

  /// Opens a partition's store and brings it up to its changelog's end, from nothing if what is on
  /// disk can't be used.
  func openRestored(partition: Int32, changelog: String)
    throws(StageError) -> (store: Storage.Store, state: RestoredState)
  {
    do throws(StageError) {
      return try openAndRestore(partition: partition, changelog: changelog)
    } catch {
      guard error.reaction == .rebuildStore else { throw error }
      logger.warning(
        "rebuilding state from the changelog",
        metadata: ["partition": "\(partition)", "reason": "\(error)"])
      try StageError.store { () throws(StoreError) in
        try storage.destroy(stage: configuration.name, partition: partition)
      }
      return try openAndRestore(partition: partition, changelog: changelog)
    }
  }

  private func openAndRestore(partition: Int32, changelog: String)
    throws(StageError) -> (store: Storage.Store, state: RestoredState)
  {
    let store = try StageError.store { () throws(StoreError) in
      if let copy = standby?.take(partition, pause: pause) { return copy }
      return try storage.open(
        stage: configuration.name, partition: partition, tables: configuration.tables)
    }
    let restorer = Restorer<Log, Storage.Store>(
      log: log, configuration: configuration, monitor: monitor, logger: logger, stop: stop,
      now: now)
    return (store, try restorer.restore(store, partition: partition, changelog: changelog))
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
          environment.monitor.update { $0.phase = .waiting(error.description) }
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
