public import EventLog
public import Logging
import Synchronization
public import Streams

/// What runs in a simulation, its input, and what must be true of it.
///
/// All calls come from the holder of the scheduler's baton, one at a time.
public protocol Scenario: AnyObject, Sendable {
  /// The stages of each instance, one thread each.
  var stages: [String] { get }
  /// The consumer groups of those stages.
  var groups: [String] { get }
  /// The stores that an instance may have.
  var stores: [StorePlace] { get }

  /// Runs one stage on the calling thread until it is asked to stop or can't go on.
  func run(_ stage: String, on instance: InstanceContext) throws(StageError)

  /// Appends some input.
  func feed(_ random: inout SeededGenerator) throws
  /// Compacts topics, and deletes what is no longer needed.
  func clean(_ random: inout SeededGenerator) throws
  /// Lets retention delete input that is not processed yet.
  ///
  /// - Returns: false if all of it is processed.
  func deleteUnprocessedInput() throws -> Bool
  /// Deletes and recreates an input whose events are in the state.
  ///
  /// - Returns: the code of the error that must follow; `nil` if no input is processed.
  func remakeInput() throws -> Reason.Code?
  /// The group whose offsets an operator may move to anywhere while nothing runs; `nil` for none.
  var replayableGroup: String? { get }
  /// Any offsets of its input.
  func anyOffsets(_ random: inout SeededGenerator) throws -> [TopicPartition: Int64]
  /// What somebody else could set a group's offsets to, without its members; `nil` if that makes no
  /// difference now.
  func foreignOffsets(_ random: inout SeededGenerator) throws -> ForeignOffsets?
  /// A group that somebody else joins, and the topics to read then.
  var borrowed: (group: String, topics: [String]) { get }
  /// Undoes what somebody else has set, as an operator does.
  func restoreOffsets() throws
  /// Puts another log in the place of the one that the stores are of.
  ///
  /// - Returns: the code of the error that must follow; `nil` if there is no store yet.
  func replaceLog(_ random: inout SeededGenerator) throws -> Reason.Code?
  /// Empties the system outside the log that stages write to, sets it back, or gives it to
  /// somebody else.
  ///
  /// - Returns: what was done; `nil` if there is no such system.
  func upsetProjection(_ random: inout SeededGenerator) -> String?
  /// Takes that system from whoever has it, as an operator does.
  ///
  /// - Returns: what was done; `nil` for nothing.
  func claimProjection() -> String?

  /// Describes the input that is not processed; `nil` if all of it is.
  func remaining() throws -> String?

  // MARK: Checks, which throw a `Violation`

  /// Folds facts.
  func check(_ fact: LogFact) throws
  /// Checks a store after a commit or a restart.
  func check(_ store: StorePlace, in storage: MemoryStorage) throws
  /// Checks everything, once all input is processed.
  func checkDrained() throws
  /// Checks a store that was restored to the end.
  func checkRestored(_ store: StorePlace, in storage: MemoryStorage) throws
}

extension Scenario {
  public var replayableGroup: String? { nil }
  public func anyOffsets(_ random: inout SeededGenerator) throws -> [TopicPartition: Int64] { [:] }
}

/// Offsets that somebody else sets for a group.
public struct ForeignOffsets: Sendable {
  public var group: String
  public var offsets: [TopicPartition: Int64]
  /// Whether the stage must stop with `foreign_offset`, instead of going on where it stood.
  public var isRefused: Bool

  public init(group: String, offsets: [TopicPartition: Int64], isRefused: Bool) {
    self.group = group
    self.offsets = offsets
    self.isRefused = isRefused
  }
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

/// The parts of a running instance that its stages use.
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
      pause: { [process, scheduler, stop] duration in
        // A thread that waits for something outside the log does not see the process die.
        if process.isAlive { scheduler.sleep(duration) } else { stop.stop() }
      })
    let seed = name.utf8.reduce(0) { $0 &* 31 &+ UInt64($1) } &+ UInt64(process.effects)
    let random = Mutex(SeededGenerator(seed: seed))
    environment.random = { random.withLock { $0.next() } }
    if !configuration.outputs.isEmpty { environment.commitSteps = commitSteps }
    return environment
  }
}
