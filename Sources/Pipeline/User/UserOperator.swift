import Codecs
public import EventLog
import Ratings
public import StateStore
public import Streams

/// Folds each user's ratings into the user's aggregate, by the rules of `RatingStatement`. Sends
/// each change to the movie stage, and publishes the new features.
public struct UserOperator<Store: StateStore, Producer: LogProducer>: StageOperator, ~Copyable {
  public typealias State = UserPartition
  public typealias Partition = PartitionTask<Store, Producer>

  private static var features: StageOutput { UserOutputs.features }
  private static var changes: StageOutput { UserOutputs.changes }
  private static var verdicts: StageOutput { UserOutputs.verdicts }

  private let directory: PartitionDirectory<Store>.Share
  /// The name of the topic that events come from, which verdicts tell.
  private let source: String
  private let input: PastInput
  /// By partition that is read again, how and how far.
  private var readings: [Int32: (reading: PastInput.Reading, next: Int64)] = [:]
  /// Partitions whose state is not yet of this version.
  private var outdated: Set<Int32> = []
  /// The verdicts of the open batch.
  private var tally = VerdictTally()
  private var parser = CanonicalEventParser()
  private var key = JSONWriter(capacity: 32)
  private var value = JSONWriter()

  /// - Parameters:
  ///   - log: is read again where the state is of an earlier version.
  ///   - directory: is kept up to date with the partitions owned, for the predict stage.
  public init<Log: EventLog>(
    _ log: Log, topology: Topology, clientID: String, directory: PartitionDirectory<Store>
  ) {
    self.directory = directory.makeShare()
    source = topology[.userRatings]
    input = PastInput(topology[.validatedRatings], in: log, clientID: clientID)
  }

  /// Shows the predict stage the partitions whose state is of this version.
  public mutating func partitionsChanged(_ tasks: [Partition]) {
    readings = readings.filter { partition, _ in tasks.contains { $0.partition == partition } }
    directory.replace(
      tasks.compactMap { task in
        outdated.contains(task.partition) ? nil : task.store.map { (task.partition, $0) }
      })
  }

  public mutating func makeState(_ task: Partition) throws(StageError) -> UserPartition {
    let state = try UserPartition(task)
    if state.refold == nil {
      outdated.remove(task.partition)
    } else {
      outdated.insert(task.partition)
    }
    return state
  }

  // MARK: Events

  public mutating func beginBatch() { tally.removeAll() }

  public mutating func report() -> BatchReport { BatchReport(judged: tally.counts) }

  public mutating func process(
    _ records: borrowing RecordRun, _ state: inout UserPartition, _ task: Partition
  ) throws(StageError) {
    for index in records.indices { try take(records[index], &state, task) }
  }

  private mutating func take(
    _ record: borrowing RecordView, _ state: inout UserPartition, _ task: Partition
  ) throws(StageError) {
    guard let statement = statement(in: record, &state) else { return }
    let applied = try state.apply(statement)
    if let failed = applied.failed { try sendVerdict(failed, statement, record, task) }
    guard case .change(let new) = applied.effect else { return }
    // What comes back because an event was taken back by name was said long before.
    if let rating = new.rating, new.source == statement.said.source {
      directory.shown.rate(
        statement.user, statement.movie, rating, at: record.offset, in: task.partition)
    }
    state.noteChange(ofUser: applied.user, recordTimestamp: record.timestamp)
    let change = RatingChange(
      movie: statement.movie, user: statement.user, from: applied.old, to: new,
      source: SourceCoordinates(partition: task.partition, offset: record.offset))
    if state.append(change, timestamp: record.timestamp) { try sendChanges(&state, task) }
  }

  /// - Returns: `nil` for a record that says nothing of a rating.
  private mutating func statement(
    in record: borrowing RecordView, _ state: inout UserPartition
  ) -> RatingStatement? {
    guard let value = record.value else { return nil }
    do throws(RecordError) {
      let (event, genres) = try parser.parse(
        value, recordTime: record.timestamp, numbering: &state.genres)
      return RatingStatement(event, genres: genres)
    } catch {
      // Written by something other than intake. It has no verdict to contradict and no effect.
      return nil
    }
  }

  private mutating func sendChanges(_ state: inout UserPartition, _ task: Partition)
    throws(StageError)
  {
    try state.sendChanges { (pending) throws(StageError) in
      try send(pending.change, timestamp: pending.timestamp, task)
    }
  }

  private mutating func send(_ change: RatingChange, timestamp: Int64, _ task: Partition)
    throws(StageError)
  {
    key.removeAll()
    key.integer(change.movie)
    value.removeAll()
    change.write(to: &value)
    try task.send(
      to: Self.changes, key: key.bytes, value: value.bytes, timestamp: Timestamps.kept(timestamp))
  }

  /// Says of an event that it has changed nothing, or less than it says, and why.
  private mutating func sendVerdict(
    _ failed: Expectation, _ statement: RatingStatement, _ record: borrowing RecordView,
    _ task: Partition
  ) throws(StageError) {
    tally.count(failed)
    value.removeAll()
    writeVerdict(
      failed: [failed], details: Self.details(of: failed), topic: source,
      source: statement.said.source, to: &value)
    try task.send(
      to: Self.verdicts, key: record.key, value: value.bytes,
      timestamp: Timestamps.kept(record.timestamp))
  }

  private static func details(of failed: Expectation) -> [EventDetail] {
    switch failed {
    case .ratingUnique: EventDetail.repeated
    case .retractsCount: EventDetail.crowded
    default: EventDetail.late
    }
  }

  // MARK: Batch

  public mutating func publish(_ state: inout UserPartition, _ task: Partition) throws(StageError) {
    for row in state.unpublished {
      try sendFeatures(
        of: state.users.key(of: row).user, state.users[row], state.genres,
        timestamp: state.activity[row].recordTimestamp, task)
    }
    state.notePublished()
  }

  public mutating func closeBatch(_ state: inout UserPartition, _ task: Partition)
    throws(StageError)
  {
    try publish(&state, task)
    try sendChanges(&state, task)
  }

  private mutating func sendFeatures(
    of user: Int64, _ aggregate: borrowing UserAggregate, _ genres: borrowing GenreDictionary,
    timestamp: Int64, _ task: Partition
  ) throws(StageError) {
    key.removeAll()
    key.integer(user)
    let timestamp = Timestamps.kept(timestamp)
    guard aggregate.statistics.count > 0 else {
      return try task.send(to: Self.features, key: key.bytes, value: nil, timestamp: timestamp)
    }
    value.removeAll()
    UserFeatures(
      user: user, aggregate: aggregate, genres: genres,
      eventTimeMilliseconds: aggregate.eventTimeMilliseconds
    ).write(to: &value)
    try task.send(to: Self.features, key: key.bytes, value: value.bytes, timestamp: timestamp)
  }
}

// MARK: States of earlier versions

extension UserOperator {
  private static var recordsAtOnce: Int { 20_000 }
  private static var rowsAtOnce: Int { 2_000 }

  public func isOutdated(_ state: borrowing UserPartition) -> Bool { state.refold != nil }

  /// Folds the state again; see `UserRefold`.
  public mutating func upgrade(_ state: inout UserPartition, _ task: Partition)
    throws(StageError) -> UpgradeProgress
  {
    guard let refold = state.refold else { return UpgradeProgress(done: 0, total: 0) }
    let end = task.nextOffset
    if refold.progress.nextOffset < end {
      if let obstacle = try foldAgain(&state, task, to: end) {
        return UpgradeProgress(done: end, total: end, obstacle: obstacle)
      }
    } else if try !sendCorrections(&state, task), try !adoptAggregates(&state, task) {
      try state.refold?.finish()
    }
    return UpgradeProgress(done: state.refold?.progress.nextOffset ?? end, total: end)
  }

  /// - Returns: why the state is kept as it is.
  private mutating func foldAgain(_ state: inout UserPartition, _ task: Partition, to end: Int64)
    throws(StageError) -> Reason?
  {
    let begin = state.refold?.progress.nextOffset ?? 0
    let reading: PastInput.Reading
    if let open = readings[task.partition], open.next == begin {
      reading = open.reading
    } else {
      reading = try input.read(task.partition, begin..<end)
    }
    guard reading.start <= begin else {
      let gap = RefoldGap(source: task.source, from: begin, to: reading.start)
      if let error = gap.error { throw error }
      try state.keepWhatStands()
      return gap.reason
    }
    var failure: StageError?
    let next = try reading(atMost: Self.recordsAtOnce) { record in
      guard let statement = statement(in: record, &state) else { return true }
      do throws(StageError) { _ = try state.apply(statement) } catch { failure = error }
      return failure == nil
    }
    if let failure { throw failure }
    readings[task.partition] = next < end ? (reading, next) : nil
    state.noteFolded(to: next)
    return nil
  }

  private mutating func sendCorrections(_ state: inout UserPartition, _ task: Partition)
    throws(StageError) -> Bool
  {
    try state.sendCorrections(atMost: Self.rowsAtOnce) {
      (key, counted, new, number) throws(StageError) in
      try send(
        RatingChange(
          movie: key.movie, user: key.user, from: counted, to: new,
          source: SourceCoordinates(partition: task.partition, offset: number),
          isCorrection: true),
        timestamp: -1, task)
    }
  }

  private mutating func adoptAggregates(_ state: inout UserPartition, _ task: Partition)
    throws(StageError) -> Bool
  {
    let genres = state.genres
    return try state.adoptAggregates(atMost: Self.rowsAtOnce) {
      (user, aggregate) throws(StageError) in
      try sendFeatures(of: user, aggregate, genres, timestamp: -1, task)
    }
  }
}
