public import EventLog
public import RedisProjection
public import StateStore
public import Streams
import Logging
import Recommender

/// Projects `user-features` and `movie-features` into Redis, each row fenced by the offset of the
/// record it comes from, so that a late or repeated write can't take newer features back.
public struct RedisOperator<Store: StateStore, Producer: LogProducer>: StageOperator, ~Copyable {
  public typealias Working = Void
  public typealias Partition = PartitionTask<Store, Producer>

  /// Inputs by index.
  public static var inputs: [String] { [Topics.userFeatures, Topics.movieFeatures] }

  private let projection: FeastProjection
  private let generation: UInt64
  private let writer: FeatureWriter
  private let logger: Logger
  private var batch: FeatureBatch
  private var pending = [PendingFeatures(), PendingFeatures()]
  private var userParser = UserFeaturesParser()
  private var movieParser = MovieFeaturesParser()
  private var key: [UInt8] = []
  private var hasWarnedOfFence = false

  /// - Parameter generation: of the log that is projected; a higher one may overwrite whatever a
  ///   lower one has written.
  public init(
    projection: FeastProjection, generation: UInt64, redis: RedisConfiguration, logger: Logger
  ) {
    self.projection = projection
    self.generation = generation
    self.logger = logger
    writer = FeatureWriter(redis)
    batch = FeatureBatch(views: [projection.user.fields, projection.movie.fields])
  }

  public mutating func process(
    _ record: borrowing RecordView, _ working: inout Void, _ task: Partition
  )
    throws(StageError)
  {
    // Keys that are no identifiers were not written by the user or movie stage.
    guard let key = record.key, let entity = DecimalText.parse(key) else { return }
    pending[record.topic].set(entity, offset: record.offset, value: record.value)
  }

  public mutating func flush() throws(StageError) {
    batch.removeAll()
    for view in pending.indices { fill(view) }
    let counts: FeatureWriter.Counts
    do throws(RedisError) { counts = try writer.write(batch) } catch {
      throw .failed("Redis: \(error)", error.isTransient ? .retry : .stopDaemon)
    }
    if counts.fenced > 0 { warnOfFence(counts) }
    for view in pending.indices { pending[view].removeAll() }
  }

  private mutating func fill(_ view: Int) {
    let layout = view == 0 ? projection.user : projection.movie
    pending[view].forEach { entity, offset, value in
      key.removeAll(keepingCapacity: true)
      layout.key.append(entity, to: &key)
      let fence = Fence(generation: generation, offset: offset)
      guard let value else {
        let bytes = key
        return batch.delete(view: view, key: bytes.span.bytes, fence: fence)
      }
      if view == 0 {
        guard let features = try? userParser.parse(value) else { return }
        put(features, view: view, fence: fence)
      } else {
        guard let features = try? movieParser.parse(value) else { return }
        put(features, view: view, fence: fence)
      }
    }
  }

  private mutating func put(_ features: some Recommender.FeatureRow, view: Int, fence: Fence) {
    let bytes = key
    batch.put(
      view: view, key: bytes.span.bytes, fence: fence, eventTime: features.eventTimeMilliseconds)
    for feature in 0..<type(of: features).view.features.count {
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
