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
  private let source: SourceTopic
  private var parser = CanonicalEventParser()
  private var key = JSONWriter(capacity: 32)
  private var value = JSONWriter()

  /// - Parameters:
  ///   - log: the log with `user-ratings`, which is consulted when events seem to be repeats.
  ///   - directory: is kept up to date with the partitions owned, for the predict stage.
  public init<Log: EventLog>(
    _ log: Log, topology: Topology, clientID: String, directory: PartitionDirectory<Store>
  ) {
    self.directory = directory.makeShare()
    source = SourceTopic(topology[.userRatings], in: log, clientID: clientID)
  }

  public mutating func partitionsChanged(_ tasks: [Partition]) {
    directory.replace(tasks.compactMap { task in task.store.map { (task.partition, $0) } })
  }

  public mutating func makeState(_ task: Partition) throws(StageError) -> UserPartition {
    try UserPartition(task, source: source)
  }

  // MARK: Events

  public mutating func process(
    _ records: borrowing RecordRun, _ state: inout UserPartition, _ task: Partition
  ) throws(StageError) {
    for index in records.indices { try take(records[index], &state, task) }
  }

  private mutating func take(
    _ record: borrowing RecordView, _ state: inout UserPartition, _ task: Partition
  ) throws(StageError) {
    guard let value = record.value else { return }
    let event: RatingEvent
    let genres: GenreSet
    do throws(RecordError) {
      (event, genres) = try parser.parse(value, numbering: &state.genres)
    } catch {
      // Written by something other than intake. It has no verdict to contradict and no effect.
      return
    }
    guard try state.sources.advance(to: event.source, timestamp: record.timestamp),
      let statement = RatingStatement(event, genres: genres)
    else { return }
    let user = try state.row(ofUser: statement.user)
    let row = try state.row(ofRating: statement, user: user)
    switch statement.effect(on: state.ratings[row]) {
    case .none: return
    case .duplicate: try sendDuplicateVerdict(event, record, task)
    case .change(let old, let new):
      try state.change(rating: row, ofUser: user, movie: statement.movie, from: old, to: new)
      state.noteChange(
        ofUser: user, eventTime: event.timeMilliseconds, recordTimestamp: record.timestamp)
      let change = RatingChange(
        movie: statement.movie, user: statement.user, old: old?.timed, new: new?.timed,
        source: SourceCoordinates(partition: task.partition, offset: record.offset))
      if state.append(change, timestamp: record.timestamp) { try sendChanges(&state, task) }
    }
  }

  private mutating func sendChanges(_ state: inout UserPartition, _ task: Partition)
    throws(StageError)
  {
    try state.sendChanges { (pending) throws(StageError) in
      key.removeAll()
      key.integer(pending.change.movie)
      value.removeAll()
      pending.change.write(to: &value)
      try task.send(
        to: Self.changes, key: key.bytes, value: value.bytes,
        timestamp: Timestamps.kept(pending.timestamp))
    }
  }

  private mutating func sendDuplicateVerdict(
    _ event: borrowing RatingEvent, _ record: borrowing RecordView, _ task: Partition
  ) throws(StageError) {
    value.removeAll()
    writeVerdict(
      failed: [.ratingUnique], topic: source.name, source: event.source, to: &value)
    try task.send(
      to: Self.verdicts, key: record.key, value: value.bytes,
      timestamp: Timestamps.kept(record.timestamp))
  }

  // MARK: Batch

  public mutating func publish(_ state: inout UserPartition, _ task: Partition) throws(StageError) {
    for row in state.unpublished { try sendFeatures(row, state, task) }
    state.notePublished()
  }

  public mutating func closeBatch(_ state: inout UserPartition, _ task: Partition)
    throws(StageError)
  {
    try publish(&state, task)
    try sendChanges(&state, task)
  }

  private mutating func sendFeatures(
    _ row: Int, _ state: borrowing UserPartition, _ task: Partition
  )
    throws(StageError)
  {
    let user = state.users.key(of: row).user
    key.removeAll()
    key.integer(user)
    let timestamp = Timestamps.kept(state.activity[row].recordTimestamp)
    guard !state.users[row].isEmpty else {
      return try task.send(to: Self.features, key: key.bytes, value: nil, timestamp: timestamp)
    }
    value.removeAll()
    UserFeatures(
      user: user, aggregate: state.users[row], genres: state.genres,
      eventTimeMilliseconds: state.activity[row].eventTime
    ).write(to: &value)
    try task.send(to: Self.features, key: key.bytes, value: value.bytes, timestamp: timestamp)
  }
}
