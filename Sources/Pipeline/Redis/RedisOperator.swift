public import EventLog
public import Logging
import Ratings
import RedisProjection
public import StateStore
public import Streams

/// Projects `user-features` and `movie-features` into Redis, each row fenced by the offset of the
/// record it comes from, so that a late or repeated write can't take newer features back.
public struct RedisOperator<
  Store: StateStore, Producer: LogProducer, Sink: FeatureSink
>: StageOperator, ~Copyable {
  public typealias Working = Void
  public typealias Partition = PartitionTask<Store, Producer>

  /// Inputs by index.
  public static var inputs: [String] { [Topics.userFeatures, Topics.movieFeatures] }

  /// Rows sent to Redis in one go: they wait in the client's memory until they are answered.
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

  /// - Parameter generation: of the log that is projected; a higher one may overwrite whatever a
  ///   lower one has written.
  public init(projection: FeastProjection, generation: UInt64, sink: Sink, logger: Logger) {
    self.projection = projection
    self.generation = generation
    self.logger = logger
    self.sink = sink
    batch = FeatureBatch(views: [projection.user.fields, projection.movie.fields])
  }

  public mutating func process(
    _ record: borrowing RecordView, _ working: inout Void, _ task: Partition
  )
    throws(StageError)
  {
    // Keys that are no identifiers were not written by the user or movie stage.
    guard let key = record.key, let entity = DecimalText.parse(key) else { return }
    // Nor were values that are no features.
    if record.topic == 0 {
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
        throw .failed("Redis: \(error)", error.isTransient ? .retry : .stopDaemon)
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

  /// Fenced rows are ordinary after a restart, which repeats its last batch. A whole log that is
  /// fenced is not: another one was projected into this Redis before.
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
