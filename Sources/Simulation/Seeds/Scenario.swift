public import Logging
public import Streams

/// What runs in a simulation, what it is fed with, and what must be true of it.
///
/// All calls come from whoever has the scheduler's baton, one at a time.
public protocol Scenario: AnyObject, Sendable {
  /// The stages of each instance, a thread each.
  var stages: [String] { get }
  /// The consumer groups of those stages.
  var groups: [String] { get }
  /// The stores that an instance may have.
  var stores: [StorePlace] { get }

  /// Runs one stage on the calling thread, until it is told to stop or can't go on.
  func run(_ stage: String, on instance: InstanceContext) throws(StageError)

  /// Appends some input.
  func feed(_ random: inout SeededGenerator) throws
  /// Compaction, and retention of what is not needed any more.
  func clean(_ random: inout SeededGenerator) throws
  /// Lets retention delete input that was not processed yet.
  ///
  /// - Returns: false when all of it was.
  func deleteUnprocessedInput() throws -> Bool
  /// Deletes an input whose events are in the state and makes it anew.
  ///
  /// - Returns: what the error begins with that must follow; `nil` when no input was processed.
  func remakeInput() throws -> String?
  /// Empties what stages write to outside the log.
  ///
  /// - Returns: the group that fills it again once its offsets are reset; `nil` when there is nothing
  ///   of that kind.
  func flushProjection() -> String?

  /// What was not processed of the input, in words; `nil` when all of it was.
  func remaining() throws -> String?

  // MARK: Checks; what they throw is a `Violation`

  /// Folds what has become certain.
  func check(_ fact: LogFact) throws
  /// A store, as it is after a commit or a restart.
  func check(_ store: StorePlace, in storage: MemoryStorage) throws
  /// Everything, once all input was processed.
  func checkDrained() throws
  /// A store that was restored to the end.
  func checkRestored(_ store: StorePlace, in storage: MemoryStorage) throws
}

/// Names a partition's store.
public struct StorePlace: Hashable, Sendable, CustomStringConvertible {
  public var stage: String
  public var partition: Int32

  public init(stage: String, partition: Int32) {
    self.stage = stage
    self.partition = partition
  }

  public var description: String { "\(stage)[\(partition)]" }
}

/// What a running instance is made of, for its stages.
public struct InstanceContext: Sendable {
  public var name: String
  public var process: SimulatedProcess
  public var log: MemoryLog
  public var storage: MemoryStorage
  public var scheduler: Scheduler
  public var stop: StopSignal
  public var logger: Logger
  var commitSteps: [CommitStep]?

  public func environment(_ configuration: StageConfiguration)
    -> StageEnvironment<MemoryLog, MemoryStorage>
  {
    let clock = scheduler.clock
    var environment = StageEnvironment(
      configuration: configuration, log: log, storage: storage,
      events: .logging(logger), stop: stop,
      now: { clock.now },
      pause: { [process, scheduler] duration in
        if process.isAlive { scheduler.sleep(duration) }
      })
    if !configuration.outputs.isEmpty { environment.commitSteps = commitSteps }
    return environment
  }
}
