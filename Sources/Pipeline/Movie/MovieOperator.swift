import Codecs
public import EventLog
import Ratings
public import StateStore
public import Streams

/// Folds the changes of ratings into each movie's aggregate and publishes the movie's features.
///
/// A movie's quality score depends on the mean of all movies (`CatalogPrior`), which every rating
/// moves. A changed movie is published with the prior at the start of its batch; `RefreshSchedule`
/// decides when to publish all movies again under the newest one.
public struct MovieOperator<
  Store: StateStore, Producer: LogProducer, Consumer: LogConsumer
>: StageOperator, ~Copyable {
  public typealias State = MoviePartition
  public typealias Partition = PartitionTask<Store, Producer>

  private static var features: StageOutput { MovieOutputs.features }

  private let quality: QualityTable<Consumer>
  private let source: SourceTopic
  private var schedule: RefreshSchedule
  private let now: () -> ContinuousClock.Instant
  private var prior: CatalogPrior
  private var parser = RatingChangeParser()
  private var key = JSONWriter(capacity: 32)
  private var value = JSONWriter()

  /// - Parameters:
  ///   - timesAreKept: whether the input's records have the times of those they come from.
  ///   - now: paces the refreshes; what they publish does not depend on it.
  public init<Log: EventLog>(
    _ log: Log, topology: Topology, clientID: String, refreshInterval: Duration,
    timesAreKept: @escaping () -> Bool = { true }, now: @escaping () -> ContinuousClock.Instant
  ) throws(StageError) where Log.Consumer == Consumer {
    do throws(LogError) {
      quality = try QualityTable(log, topology: topology, clientID: clientID)
    } catch { throw .log(error) }
    source = SourceTopic(
      topology[.validatedRatings], in: log, clientID: clientID, timesAreKept: timesAreKept)
    prior = quality.prior
    schedule = RefreshSchedule(interval: refreshInterval)
    self.now = now
  }

  public mutating func makeState(_ task: Partition) throws(StageError) -> MoviePartition {
    schedule.noteNewMovies()
    return try MoviePartition(task, source: source)
  }

  public mutating func beginBatch() throws(StageError) {
    do throws(LogError) { try quality.poll() } catch { throw .log(error) }
    prior = quality.prior
  }

  // MARK: Events

  public mutating func process(
    _ records: borrowing RecordRun, _ state: inout MoviePartition, _ task: Partition
  ) throws(StageError) {
    for index in records.indices { try take(records[index], &state) }
  }

  private mutating func take(_ record: borrowing RecordView, _ state: inout MoviePartition)
    throws(StageError)
  {
    // A record that is not the user stage's has no effect.
    guard let value = record.value, let change = try? parser.parse(value) else { return }
    try state.apply(change, recordTimestamp: record.timestamp)
  }

  // MARK: Batch

  public mutating func closeBatch(_ state: inout MoviePartition, _ task: Partition)
    throws(StageError)
  {
    for row in 0..<state.movies.rowCount {
      try publish(
        state.movies.key(of: row).movie, state.movies[row],
        timestamp: Timestamps.kept(state.activity[row].recordTimestamp), task)
    }
    if state.movies.rowCount > 0 { schedule.noteChange(under: prior, at: now()) }
  }

  private mutating func publish(
    _ movie: Int64, _ aggregate: borrowing MovieAggregate, timestamp: Int64?, _ task: Partition
  ) throws(StageError) {
    key.removeAll()
    key.integer(movie)
    guard aggregate.statistics.count > 0 else {
      return try task.send(to: Self.features, key: key.bytes, value: nil, timestamp: timestamp)
    }
    value.removeAll()
    MovieFeatures(
      movie: movie, aggregate: aggregate, prior: prior,
      eventTimeMilliseconds: aggregate.eventTimeMilliseconds
    ).write(to: &value)
    try task.send(to: Self.features, key: key.bytes, value: value.bytes, timestamp: timestamp)
  }

  // MARK: Refresh

  public mutating func wantsRefresh() throws(StageError) -> Bool {
    do throws(LogError) { try quality.poll() } catch { throw .log(error) }
    return schedule.isDue(quality.prior, at: now())
  }

  public mutating func refresh(_ state: inout MoviePartition, _ task: Partition)
    throws(StageError)
  {
    schedule.noteRefresh(under: prior, at: now())
    try state.movies.scan { (movie, aggregate) throws(StageError) in
      if aggregate.statistics.count > 0 {
        try publish(movie.movie, aggregate, timestamp: nil, task)
      }
      return true
    }
  }
}
