public import EventLog
public import Logging
import Ratings
import RedisProjection
public import StateStore
public import Streams

/// Projects `user-features` and `movie-features` into Redis. Each row is fenced by the offset of
/// the record it comes from, so that a late or repeated write can't overwrite newer features.
///
/// A record in Redis says whose rows these are and how far they go. The stage goes on from there,
/// wherever its group stands: where Redis has lost rows, they are written again.
public struct RedisOperator<
  Store: StateStore, Log: EventLog, Sink: FeatureSink
>: StageOperator, ~Copyable {
  public typealias State = NoState
  public typealias Producer = Log.Producer
  public typealias Partition = PartitionTask<Store, Producer>

  /// How often an idle stage looks whether Redis still has what it wrote.
  private static var checkInterval: Duration { .seconds(1) }
  /// How long it removes leftovers before it looks for records again.
  private static var sweepTime: Duration { .milliseconds(50) }

  private let identity: ProjectionIdentity
  private let sink: Sink
  private let logger: Logger
  private let now: () -> ContinuousClock.Instant
  private let makeTopics: () throws(LogError) -> FeatureTopics<Log>
  private var projected: ProjectedLog<Log, Sink>
  /// `nil` until the first partitions are given to the stage.
  private var permit: ProjectionPermit?
  private var positions = ProjectedPositions()
  private var progress: RefillProgress
  /// When an idle stage looks at Redis next.
  private var nextLook: ContinuousClock.Instant
  private var pauses = RetryPauses.growing(from: checkInterval)
  /// Whether this member is the one that removes leftovers.
  private var isSweeper = false
  /// Whether the record says that there may be some.
  private var hasLeftovers = false
  private var sweep: LeftoverSweep?
  private var rows: FeatureRows
  /// What the open batch has written, and when that happened.
  private var written = ProjectionSummary()
  private var times = TimeTally()

  public init(
    _ log: Log, topology: Topology, clientID: String, identity: ProjectionIdentity, sink: Sink,
    logger: Logger, now: @escaping () -> ContinuousClock.Instant
  ) {
    self.identity = identity
    self.logger = logger
    self.sink = sink
    self.now = now
    let topics = topology.inputs(of: .redis)
    makeTopics = { () throws(LogError) in
      try FeatureTopics(log, names: topics, clientID: clientID)
    }
    projected = ProjectedLog(
      log, topology, clientID: clientID, identity: identity, sink: sink)
    progress = RefillProgress(logger)
    nextLook = now() + Self.checkInterval
    rows = FeatureRows(identity.projection)
  }

  // MARK: Partitions

  public mutating func resume(
    _ partitions: [TopicPartition], committed: [TopicPartition: Int64]
  ) throws(StageError) -> [TopicPartition: Int64] {
    let opened = try projected.open(partitions)
    let record = opened.record
    if let permit, permit.epoch != record.epoch {
      throw .failed(
        Reason(.redisBehind, "the project in Redis was claimed meanwhile"), .abandonPartition)
    }
    if permit == nil { warn() }
    permit = ProjectionPermit(
      project: identity.projection.project, owner: identity.owner, epoch: record.epoch)
    hasLeftovers = record.hasLeftovers
    positions.take(partitions, record)
    var starts: [TopicPartition: Int64] = [:]
    var lacking: [TopicPartition: Range<Int64>] = [:]
    for partition in partitions {
      let held = opened.held[partition] ?? 0..<0
      let recorded = record.positions["\(partition)"]?.next
      // A group that was set back by hand writes again what Redis may lack.
      let start = max(
        held.lowerBound, min(recorded ?? held.lowerBound, committed[partition] ?? .max))
      starts[partition] = start
      if recorded.map({ $0 < committed[partition] ?? 0 }) ?? true {
        lacking[partition] = start..<max(start, held.upperBound)
      }
    }
    if !lacking.isEmpty { try beginRefill(lacking) }
    return starts
  }

  /// Says what of Redis' configuration may lose features. What it can't be asked now is said by
  /// `check`.
  private func warn() {
    guard let policy = try? sink.evictionPolicy(), let warning = policy.warning else { return }
    logger.warning("\(warning)", metadata: ["advice": "\(EvictionPolicy.advice)"])
  }

  /// Notes what Redis lacks, up to the last record there is.
  private mutating func beginRefill(_ lacking: [TopicPartition: Range<Int64>]) throws(StageError) {
    let last = try StageError.asking { () throws(LogError) in
      try makeTopics().last(below: lacking.mapValues(\.upperBound), in: lacking)
    }
    var open: [TopicPartition: Range<Int64>] = [:]
    for (partition, range) in lacking {
      guard let end = last[partition]?.mark.offset else { continue }
      open[partition] = range.lowerBound..<max(range.lowerBound, end + 1)
    }
    progress.begin(open, at: now())
  }

  public mutating func partitionsChanged(_ tasks: [Partition]) {
    let partitions = tasks.map(\.source)
    positions.keep(partitions)
    progress.keep(partitions)
    isSweeper = tasks.contains { $0.topic == RedisInputs.userFeatures.index && $0.partition == 0 }
  }

  // MARK: Batch

  public mutating func beginBatch() {
    rows.removeAll()
    positions.beginBatch()
    written = ProjectionSummary()
    times.removeAll()
  }

  public mutating func process(
    _ records: borrowing RecordRun, _ state: inout NoState, _ task: Partition
  ) throws(StageError) {
    positions.note(task.source, records)
    for index in records.indices { rows.take(records[index]) }
  }

  public mutating func flush() throws(StageError) {
    guard var permit else { return }
    permit.advances = positions.advances
    guard rows.count > 0 || !permit.advances.isEmpty else { return }
    let start = now()
    let counts = try StageError.redis { () throws(RedisError) in
      try rows.write(to: sink, by: permit)
    }
    written = ProjectionSummary(
      written: counts.written, fenced: counts.fenced, replaced: counts.replaced,
      duration: now() - start)
    rows.noteTimes(in: &times)
    if counts.replaced > 0 { noteReplaced(counts.replaced) }
    positions.settle()
    rows.removeAll()
    progress.reach(positions.next, at: now())
    // An input that never runs dry must not keep the leftovers.
    if isSweeper, hasLeftovers { try lookIfDue() }
  }

  public mutating func report() -> BatchReport {
    var report = BatchReport()
    report.projected = written
    report.completed = times
    return report
  }

  private func noteReplaced(_ keys: Int) {
    logger.warning(
      "keys of features held something other than a hash; their features replace it",
      metadata: ["keys": "\(keys)", "code": "\(Reason.Code.redisWrongType.rawValue)"])
  }

  // MARK: Between batches

  /// Looks now and then whether Redis still has what was written, which nobody else notices while
  /// nothing is written. Redis that does not answer is reported by the next write.
  public mutating func wantsRefresh() throws(StageError) -> Bool {
    try lookIfDue()
    return false
  }

  private mutating func lookIfDue() throws(StageError) {
    guard let permit, sweep?.isReady == true || now() >= nextLook else { return }
    do throws(RedisError) {
      try goOnSweeping(permit)
      try look(permit)
      pauses = .growing(from: Self.checkInterval)
    } catch {
      if error.refusal != nil { throw StageError(error) }
    }
    nextLook = now() + pauses.next()
  }

  private mutating func look(_ permit: ProjectionPermit) throws(RedisError) {
    let record = try sink.record()
    guard let record else { throw RedisError(.missing, at: sink.place) }
    guard record.owner == permit.owner, record.epoch == permit.epoch else {
      throw RedisError(.claimed, at: sink.place)
    }
    guard positions.agree(with: record) else { throw RedisError(.moved, at: sink.place) }
    hasLeftovers = record.hasLeftovers
    guard hasLeftovers, isSweeper else { return }
    if sweep == nil { planSweep() }
    sweep?.reach(record)
  }

  /// Plans to remove leftovers once Redis has all features there are now: what then is of an
  /// earlier epoch, no features stand for.
  private mutating func planSweep() {
    do throws(LogError) {
      let topics = try makeTopics()
      let held = try topics.held(try topics.partitions())
      let last = try topics.last(below: held.mapValues(\.upperBound), in: held)
      sweep = LeftoverSweep(
        views: identity.projection.views.count, awaiting: last.mapValues { $0.mark.offset + 1 })
    } catch {
      logger.debug("leftovers in Redis are not looked for yet", metadata: ["reason": "\(error)"])
    }
  }

  private mutating func goOnSweeping(_ permit: ProjectionPermit) throws(RedisError) {
    guard isSweeper else { return sweep = nil }
    guard var sweep, sweep.isReady else { return }
    self.sweep = nil
    let start = now()
    while !sweep.isFinished, now() - start < Self.sweepTime {
      try sweep.step(sink, permit)
    }
    guard sweep.isFinished else { return self.sweep = sweep }
    logger.notice(
      "removed from Redis what earlier logs had left there",
      metadata: ["users": "\(sweep.removed[0])", "movies": "\(sweep.removed[1])"])
  }
}
