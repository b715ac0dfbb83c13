public import EventLog
public import StateStore

/// What a stage runs on: its log, its storage, and the few other things it needs from outside.
public struct StageEnvironment<Log: EventLog, Storage: StateStorage>: Sendable {
  public var configuration: StageConfiguration
  public var log: Log
  public var storage: Storage
  /// Receives the stage's events.
  public var events: EventSink
  public var stop: StopSignal
  /// Copies of other instances' partitions, of which the stage takes those it is assigned.
  public var standby: StandbyCopies<Storage.Store>?
  /// Stages of this process that this one's input goes through. Their lag tells whether a large
  /// batch is worth keeping open.
  public var upstream: [StageMonitor] = []
  /// Looks for a newer process of the same instance name, and says why this one must stop; see
  /// `InstanceClaim`. Called when the stage's member or producer was replaced.
  public var findRival: (@Sendable () -> Reason?)?
  /// Asks the stage to join its group again.
  public var rejoin: RejoinRequest?
  /// How long the input's records are of use; `nil` for ever.
  public var expiry: RecordExpiry?
  /// Monotonic time, for the age of batches and the rate of restores.
  public var now: @Sendable () -> ContinuousClock.Instant
  /// Milliseconds since 1970, for the ages of records; `nil` where nobody asks for them.
  public var time: (@Sendable () -> Int64)?
  /// Waits before something is tried again.
  public var pause: @Sendable (Duration) -> Void
  /// Called when large batches are over and their memory is free.
  public var releaseMemory: @Sendable () -> Void = {}
  /// Runs the commits of a restore on another thread; on the stage's own unless set.
  public var inBackground: BackgroundWork = { $0() }
  /// Draws a random number, for identities.
  public var random: @Sendable () -> UInt64 = { .random(in: .min ... .max) }
  /// Called after each step of a commit; a simulation kills the process here.
  public var crashPoint: @Sendable (CommitStep) -> Void
  /// Whether a stop moves positions to the ends that were reached: a replay ends at an offset, and
  /// not behind the last record before it.
  package var passesEndsAtStop = false
  /// Replaces the commit protocol's steps, so that a test can show that a wrong order is caught.
  package var commitSteps: [CommitStep]?
  /// Whether events come from the stage or from its standby copies.
  var role = EngineEvent.Role.stage

  public init(
    configuration: StageConfiguration, log: Log, storage: Storage, events: EventSink,
    stop: StopSignal, now: @escaping @Sendable () -> ContinuousClock.Instant = { .now },
    pause: @escaping @Sendable (Duration) -> Void,
    crashPoint: @escaping @Sendable (CommitStep) -> Void = { _ in }
  ) {
    self.configuration = configuration
    self.log = log
    self.storage = storage
    self.events = events
    self.stop = stop
    self.now = now
    self.pause = pause
    self.crashPoint = crashPoint
  }

  /// Emits an event of this stage.
  func emit(_ kind: EngineEvent.Kind) {
    events.receive(
      EngineEvent(
        stage: configuration.name, worker: configuration.worker, role: role, kind))
  }
}
