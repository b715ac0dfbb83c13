public import EventLog
public import Logging
public import Ratings
public import StateStore
public import Streams
import Synchronization

/// Why state can't be computed again from the log.
public enum ReplayError: Error, Hashable, Sendable, CustomStringConvertible {
  case stage(StageError)
  /// Events that are in the state were deleted.
  case logBegins(TopicPartition, Int64)
  /// The state stands for events that are not there.
  case logEnds(TopicPartition, Int64, inputOffset: Int64)

  public var description: String {
    switch self {
    case .stage(let error): error.description
    case .logBegins(let partition, let offset):
      "\(partition) begins at offset \(offset): events that are in the state were deleted"
    case .logEnds(let partition, let end, let inputOffset):
      "the state stands for \(partition) up to offset \(inputOffset), but the log ends at \(end):"
        + " the topic was recreated or truncated since"
    }
  }
}

/// Folds a partition of a stateful stage's input again, into a scratch store, with the stage's own
/// operator in the engine's own loop.
public struct Replay<Log: EventLog, Storage: StateStorage>: Sendable {
  private let log: Log
  private let storage: Storage
  private let topology: Topology
  private let logger: Logger
  private let onProgress: @Sendable (Int64) -> Void

  /// - Parameters:
  ///   - storage: where the scratch stores go; empty.
  ///   - onProgress: called with each input offset reached, on the calling thread.
  public init(
    _ log: Log, storage: Storage, topology: Topology, logger: Logger,
    onProgress: @escaping @Sendable (Int64) -> Void = { _ in }
  ) {
    self.log = log
    self.storage = storage
    self.topology = topology
    self.logger = logger
    self.onProgress = onProgress
  }

  /// Folds a partition of `validated-ratings` below an offset.
  ///
  /// - Returns: each user's newest features; `nil` for one that no longer has any.
  public func users(partition: Int32, to end: Int64) throws(ReplayError)
    -> [Int64: UserFeatures?]
  {
    let newest = Newest<UserFeatures>()
    try run(.user, partition, to: end) { topic, key, value in
      guard topic == UserOutputs.features.index else { return }
      var parser = UserFeaturesParser()
      // The operator above wrote it in this process: it always parses.
      newest.note(key, value) { try? parser.parse($0) }
    } makeOperator: { log throws(StageError) in
      User(
        log, topology: topology, clientID: Self.clientID, directory: PartitionDirectory())
    }
    return newest.rows
  }

  /// Folds a partition of `ratings-by-movie` below an offset.
  ///
  /// - Returns: each movie's newest features, with the quality score under the present prior; `nil`
  ///   for one that no longer has any.
  public func movies(partition: Int32, to end: Int64) throws(ReplayError)
    -> [Int64: MovieFeatures?]
  {
    let newest = Newest<MovieFeatures>()
    let start = ContinuousClock.now
    try run(.movie, partition, to: end) { topic, key, value in
      guard topic == MovieOutputs.features.index else { return }
      var parser = MovieFeaturesParser()
      // The operator above wrote it in this process: it always parses.
      newest.note(key, value) { try? parser.parse($0) }
    } makeOperator: { log throws(StageError) in
      // Time stands still, so that nothing is published again without an event.
      try Movie(
        log, topology: topology, clientID: Self.clientID, refreshInterval: .seconds(1),
        now: { start })
    }
    return newest.rows
  }

  private typealias User = UserOperator<Storage.Store, ReplayProducer<Log.Consumer>>
  private typealias Movie = MovieOperator<
    Storage.Store, ReplayProducer<Log.Consumer>, ReplayConsumer<Log.Consumer>
  >

  private static var clientID: String { "projectionist-replay" }

  private func run<Operator: StageOperator & ~Copyable>(
    _ stage: StageDeclaration, _ partition: Int32, to end: Int64,
    onSend: @escaping @Sendable (_ topic: Int, _ key: RawSpan?, _ value: RawSpan?) -> Void,
    makeOperator: @escaping (ReplayLog<Log>) throws(StageError) -> Operator
  ) throws(ReplayError)
  where Operator.Store == Storage.Store, Operator.Producer == ReplayProducer<Log.Consumer> {
    let configuration = topology.configuration(
      of: stage, instance: "replay", pacing: StagePacing())
    guard let changelog = configuration.changelog else {
      preconditionFailure("a stage without state has nothing to compute again")
    }
    let source = TopicPartition(configuration.inputs[0], partition)
    try checkRange(source, end)
    let stop = StopSignal()
    let replay = ReplayLog(
      base: log, source: source, end: end, changelog: changelog,
      onProgress: { [onProgress] offset in
        onProgress(offset)
        if offset >= end { stop.stop() }
      }, onSend: onSend)
    var environment = StageEnvironment(
      configuration: configuration, log: replay, storage: storage,
      events: .logging(logger), stop: stop,
      pause: { _ in })
    environment.passesEndsAtStop = true
    do throws(StageError) {
      try StageLoop(environment) { () throws(StageError) in try makeOperator(replay) }.run()
    } catch { throw .stage(error) }
  }

  private func checkRange(_ source: TopicPartition, _ end: Int64) throws(ReplayError) {
    let held: Range<Int64>
    do throws(LogError) {
      let reader = try log.makeConsumer(
        ConsumerConfiguration(topics: [source.topic], group: nil, clientID: Self.clientID))
      defer { reader.close() }
      held = try reader.offsets(of: source)
    } catch { throw .stage(.log(error)) }
    guard end > 0 else { return }
    switch MissingOffsets.of(from: 0, to: end, in: held) {
    case nil: return
    case .beginning(let start): throw .logBegins(source, start)
    case .end(let found): throw .logEnds(source, found, inputOffset: end)
    }
  }
}

/// The newest record of each key.
private final class Newest<Row: Sendable>: Sendable {
  private let newest = Mutex<[Int64: Row?]>([:])

  var rows: [Int64: Row?] { newest.withLock { $0 } }

  func note(_ key: RawSpan?, _ value: RawSpan?, _ parse: (RawSpan) -> Row?) {
    guard let key, let entity = DecimalText.parse(key) else { return }
    let row: Row? = if let value { parse(value) } else { nil }
    newest.withLock { $0[entity] = .some(row) }
  }
}
