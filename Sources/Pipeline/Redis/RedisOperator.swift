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

  /// Rows sent to Redis in one go, which the client buffers until Redis has answered.
  private static var rowsPerWrite: Int { 4_096 }
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
  private var checked: ContinuousClock.Instant
  /// Whether this member is the one that removes leftovers.
  private var isSweeper = false
  private var sweep: LeftoverSweep?
  private var batch: FeatureBatch
  private var users = PendingFeatures<UserFeatures>()
  private var movies = PendingFeatures<MovieFeatures>()
  private var userParser = UserFeaturesParser()
  private var movieParser = MovieFeaturesParser()

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
      log, topics: topics, clientID: clientID, identity: identity, sink: sink)
    progress = RefillProgress(logger)
    checked = now()
    batch = FeatureBatch(views: identity.projection.views.map(\.fields))
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
    permit = ProjectionPermit(
      project: identity.projection.project, owner: identity.owner, epoch: record.epoch)
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
    users.removeAll()
    movies.removeAll()
    positions.beginBatch()
  }

  public mutating func process(
    _ records: borrowing RecordRun, _ state: inout NoState, _ task: Partition
  ) throws(StageError) {
    positions.note(task.source, records)
    for index in records.indices { take(records[index]) }
  }

  private mutating func take(_ record: borrowing RecordView) {
    // The user and movie stage write identifiers as keys and features as values, nothing else.
    guard let key = record.key, let entity = DecimalText.parse(key) else { return }
    if record.topic == RedisInputs.userFeatures.index {
      guard let value = record.value else { return users.set(entity, offset: record.offset, nil) }
      guard let features = try? userParser.parse(value) else { return }
      users.set(entity, offset: record.offset, features)
    } else {
      guard let value = record.value else { return movies.set(entity, offset: record.offset, nil) }
      guard let features = try? movieParser.parse(value) else { return }
      movies.set(entity, offset: record.offset, features)
    }
  }

  public mutating func flush() throws(StageError) {
    guard let permit else { return }
    let advances = positions.advances
    guard !users.rows.isEmpty || !movies.rows.isEmpty || !advances.isEmpty else { return }
    let views = identity.projection.views
    batch.removeAll()
    try fill(users.rows, view: 0, layout: views[0], permit)
    try fill(movies.rows, view: 1, layout: views[1], permit)
    var last = permit
    last.advances = advances
    try send(last)
    positions.settle()
    users.removeAll()
    movies.removeAll()
    progress.reach(positions.next, at: now())
  }

  /// Adds rows to the batch for Redis, and sends it whenever it is full.
  private mutating func fill<Features: Ratings.FeatureRow>(
    _ rows: [PendingFeatures<Features>.Row], view: Int, layout: FeastLayout,
    _ permit: ProjectionPermit
  ) throws(StageError) {
    var key: [UInt8] = []
    for row in rows {
      if batch.count >= Self.rowsPerWrite {
        try send(permit)
        batch.removeAll()
      }
      add(row, view: view, layout: layout, epoch: permit.epoch, key: &key)
    }
  }

  private func send(_ permit: ProjectionPermit) throws(StageError) {
    _ = try StageError.redis { () throws(RedisError) in try sink.write(batch, by: permit) }
  }

  private mutating func add<Features: Ratings.FeatureRow>(
    _ row: PendingFeatures<Features>.Row, view: Int, layout: FeastLayout, epoch: UInt64,
    key: inout [UInt8]
  ) {
    key.removeAll(keepingCapacity: true)
    layout.key.append(row.entity, to: &key)
    let fence = Fence(generation: epoch, offset: row.offset)
    guard let features = row.features else {
      return batch.delete(view: view, key: key.span.bytes, fence: fence)
    }
    batch.put(
      view: view, key: key.span.bytes, fence: fence, eventTime: features.eventTimeMilliseconds)
    for feature in 0..<layout.fields.features.count {
      batch.append(FeastProjection.value(features.value(feature)))
    }
  }

  // MARK: Between batches

  /// Looks now and then whether Redis still has what was written, which nobody else notices while
  /// nothing is written. Redis that does not answer is reported by the next write.
  public mutating func wantsRefresh() throws(StageError) -> Bool {
    guard let permit, sweep != nil || now() - checked >= Self.checkInterval else { return false }
    checked = now()
    do throws(RedisError) {
      try goOnSweeping(permit)
      let record = try sink.record()
      guard let record else { throw RedisError("", isTransient: true, refusal: .missing) }
      guard record.owner == permit.owner, record.epoch == permit.epoch else {
        throw RedisError("", isTransient: true, refusal: .claimed)
      }
      guard positions.agree(with: record) else {
        throw RedisError("", isTransient: true, refusal: .moved)
      }
      if record.hasLeftovers, isSweeper, sweep == nil { beginSweep(record) }
    } catch {
      if error.refusal != nil { throw StageError(error) }
    }
    return false
  }

  /// Begins to remove leftovers once Redis has all features there are now: what then is of an
  /// earlier epoch, no features stand for.
  private mutating func beginSweep(_ record: ProjectionRecord) {
    do throws(LogError) {
      let topics = try makeTopics()
      let partitions = try topics.partitions()
      var starts: [TopicPartition: Int64] = [:]
      for partition in partitions {
        starts[partition] = record.positions["\(partition)"]?.next ?? 0
      }
      if try topics.holdsRecords(starts, in: try topics.held(partitions)) { return }
      sweep = LeftoverSweep(views: identity.projection.views.count)
    } catch {
      logger.debug("leftovers in Redis are not looked for yet", metadata: ["reason": "\(error)"])
    }
  }

  private mutating func goOnSweeping(_ permit: ProjectionPermit) throws(RedisError) {
    guard isSweeper, var sweep else { return self.sweep = nil }
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
