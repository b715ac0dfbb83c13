public import EventLog
import Ratings
public import RedisProjection
import Streams

/// Rows for Redis from records of `user-features` and `movie-features`: the newest features of each
/// entity, fenced by their record's offset. In memory that is reused from batch to batch.
public struct FeatureRows: ~Copyable {
  /// Rows sent to Redis in one go, which the client buffers until Redis has answered.
  private static var rowsPerWrite: Int { 4_096 }

  private let views: [FeastLayout]
  private var batch: FeatureBatch
  private var users = PendingFeatures<UserFeatures>()
  private var movies = PendingFeatures<MovieFeatures>()
  private var userParser = UserFeaturesParser()
  private var movieParser = MovieFeaturesParser()

  public init(_ projection: FeastProjection) {
    views = projection.views
    batch = FeatureBatch(views: views.map(\.fields))
  }

  /// Rows held.
  public var count: Int { users.rows.count + movies.rows.count }

  public mutating func removeAll() {
    users.removeAll()
    movies.removeAll()
  }

  /// Takes a record; `topic` is its index among the redis stage's inputs. What the user and movie
  /// stage can't have written is no row.
  public mutating func take(_ record: borrowing RecordView) {
    guard let key = record.key, let entity = DecimalText.parse(key) else { return }
    let (offset, time) = (record.offset, record.timestamp)
    if record.topic == RedisInputs.userFeatures.index {
      guard let value = record.value else {
        return users.set(entity, offset: offset, time: time, nil)
      }
      guard let features = try? userParser.parse(value) else { return }
      users.set(entity, offset: offset, time: time, features)
    } else {
      guard let value = record.value else {
        return movies.set(entity, offset: offset, time: time, nil)
      }
      guard let features = try? movieParser.parse(value) else { return }
      movies.set(entity, offset: offset, time: time, features)
    }
  }

  /// Notes when what is held happened.
  func noteTimes(in times: inout TimeTally) {
    for row in users.rows { times.note(row.time) }
    for row in movies.rows { times.note(row.time) }
  }

  /// Writes what is held, and keeps it. Positions move with the last rows.
  public mutating func write(to sink: some FeatureSink, by permit: ProjectionPermit)
    throws(RedisError) -> FeatureWriter.Counts
  {
    var counts = FeatureWriter.Counts()
    var rest = permit
    rest.advances = []
    batch.removeAll()
    try fill(users.rows, view: 0, to: sink, by: rest, &counts)
    try fill(movies.rows, view: 1, to: sink, by: rest, &counts)
    counts += try sink.write(batch, by: permit)
    return counts
  }

  /// Adds rows to the batch for Redis, and sends it whenever it is full.
  private mutating func fill<Features: FeatureRow>(
    _ rows: [PendingFeatures<Features>.Row], view: Int, to sink: some FeatureSink,
    by permit: ProjectionPermit, _ counts: inout FeatureWriter.Counts
  ) throws(RedisError) {
    var key: [UInt8] = []
    for row in rows {
      if batch.count >= Self.rowsPerWrite {
        counts += try sink.write(batch, by: permit)
        batch.removeAll()
      }
      add(row, view: view, epoch: permit.epoch, key: &key)
    }
  }

  private mutating func add<Features: FeatureRow>(
    _ row: PendingFeatures<Features>.Row, view: Int, epoch: UInt64, key: inout [UInt8]
  ) {
    let layout = views[view]
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
}
