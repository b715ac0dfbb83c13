public import EventLog
public import Logging
import Ratings
import RedisProjection
public import StateStore
public import Streams

/// Projects `user-features` and `movie-features` into Redis. Each row is fenced by the offset of
/// the record it comes from, so that a late or repeated write can't overwrite newer features.
public struct RedisOperator<
  Store: StateStore, Producer: LogProducer, Sink: FeatureSink
>: StageOperator, ~Copyable {
  public typealias State = NoState
  public typealias Partition = PartitionTask<Store, Producer>

  /// Rows sent to Redis in one go, which the client buffers until Redis has answered.
  private static var rowsPerWrite: Int { 4_096 }

  private let projection: FeastProjection
  private let generation: UInt64
  private let sink: Sink
  private let logger: Logger
  private var batch: FeatureBatch
  private var users = PendingFeatures<UserFeatures>()
  private var movies = PendingFeatures<MovieFeatures>()
  private var userParser = UserFeaturesParser()
  private var movieParser = MovieFeaturesParser()
  private var hasWarnedOfFence = false

  /// - Parameter generation: of the log that is projected; a higher one overwrites whatever a lower
  ///   one has written.
  public init(projection: FeastProjection, generation: UInt64, sink: Sink, logger: Logger) {
    self.projection = projection
    self.generation = generation
    self.logger = logger
    self.sink = sink
    batch = FeatureBatch(views: [projection.user.fields, projection.movie.fields])
  }

  public mutating func process(
    _ records: borrowing RecordRun, _ state: inout NoState, _ task: Partition
  ) throws(StageError) {
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
    var counts = FeatureWriter.Counts()
    try write(users.rows, view: 0, layout: projection.user, &counts)
    try write(movies.rows, view: 1, layout: projection.movie, &counts)
    if counts.fenced > 0 { warnOfFence(counts) }
    users.removeAll()
    movies.removeAll()
  }

  private mutating func write<Features: Ratings.FeatureRow>(
    _ rows: [PendingFeatures<Features>.Row], view: Int, layout: FeastProjection.View,
    _ counts: inout FeatureWriter.Counts
  ) throws(StageError) {
    var key: [UInt8] = []
    for start in stride(from: 0, to: rows.count, by: Self.rowsPerWrite) {
      batch.removeAll()
      for row in rows[start..<min(start + Self.rowsPerWrite, rows.count)] {
        add(row, view: view, layout: layout, key: &key)
      }
      do throws(RedisError) {
        let chunk = try sink.write(batch)
        counts.written += chunk.written
        counts.fenced += chunk.fenced
      } catch {
        throw .failed(
          Reason(error.isTransient ? .redisUnavailable : .redisRefused, "Redis: \(error)"),
          error.isTransient ? .retry : .stopDaemon)
      }
    }
  }

  private mutating func add<Features: Ratings.FeatureRow>(
    _ row: PendingFeatures<Features>.Row, view: Int, layout: FeastProjection.View,
    key: inout [UInt8]
  ) {
    key.removeAll(keepingCapacity: true)
    layout.key.append(row.entity, to: &key)
    let fence = Fence(generation: generation, offset: row.offset)
    guard let features = row.features else {
      return batch.delete(view: view, key: key.span.bytes, fence: fence)
    }
    batch.put(
      view: view, key: key.span.bytes, fence: fence, eventTime: features.eventTimeMilliseconds)
    for feature in 0..<layout.fields.features.count {
      batch.append(FeastProjection.value(features.value(feature)))
    }
  }

  /// After a restart fenced rows are normal, because the last batch is repeated. When a whole log
  /// is fenced, another log was projected into this Redis before.
  private mutating func warnOfFence(_ counts: FeatureWriter.Counts) {
    guard !hasWarnedOfFence else { return }
    hasWarnedOfFence = true
    logger.notice(
      """
      Redis already holds newer features than some just read, and keeps them. After a restart this \
      is ordinary. If the topics were recreated, raise redis.generation
      """,
      metadata: ["fenced": "\(counts.fenced)", "written": "\(counts.written)"])
  }
}
