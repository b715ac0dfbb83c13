public import RedisProjection

/// Where the redis stage writes features: Redis, or its stand-in in a simulation. Views are
/// numbered as the stage's inputs. Belongs to one thread.
///
/// All calls may succeed later when they fail: once the condition that the error names is mended.
public protocol FeatureSink: AnyObject {
  /// Names it to people: `Redis at localhost:6379`.
  var place: String { get }

  /// Writes all rows, each only over an older one, and waits for the answers. After an error some
  /// rows may have been written; writing the batch again is harmless.
  ///
  /// - Throws: an error with a refusal when the record does not permit the write.
  func write(_ batch: FeatureBatch, by permit: ProjectionPermit) throws(RedisError)
    -> FeatureWriter.Counts

  /// What the server does when its memory is full; `nil` where it does not say.
  func evictionPolicy() throws(RedisError) -> EvictionPolicy?

  /// What is projected; `nil` if there is no record of it.
  func record() throws(RedisError) -> ProjectionRecord?

  /// Makes the record unless there is one. Returns whether it did.
  func begin(_ record: ProjectionRecord) throws(RedisError) -> Bool

  /// Makes a record in the place of that with another epoch, or none. Returns false if that is not
  /// the one that is there.
  func replace(epoch: UInt64?, by record: ProjectionRecord) throws(RedisError) -> Bool

  /// The fence of an entity's row; `nil` if it has none.
  func fence(of entity: Int64, view: Int) throws(RedisError) -> Fence?

  /// One step of a scan of a view's rows. Returns where it goes on; `nil` at its end.
  func scan(
    view: Int, from cursor: ProjectionKeeper.Cursor, _ body: (ProjectionKeeper.Row) -> Void
  ) throws(RedisError) -> ProjectionKeeper.Cursor?

  /// One step of a scan that removes rows of earlier epochs. Returns where it goes on.
  func sweep(
    view: Int, from cursor: ProjectionKeeper.Cursor, _ permit: ProjectionPermit,
    removed: inout Int
  ) throws(RedisError) -> ProjectionKeeper.Cursor?

  /// Notes that no rows of earlier epochs are left.
  func endSweep(_ permit: ProjectionPermit) throws(RedisError)
}

/// Redis. Belongs to one thread.
public final class RedisSink: FeatureSink {
  private let projection: FeastProjection
  private let writer: FeatureWriter
  private let keeper: ProjectionKeeper
  private let reader: FeatureReader
  private let configuration: RedisConfiguration
  public let place: String

  public init(_ projection: FeastProjection, _ configuration: RedisConfiguration) {
    self.projection = projection
    writer = FeatureWriter(configuration)
    keeper = ProjectionKeeper(configuration, project: projection.project)
    reader = FeatureReader(configuration)
    self.configuration = configuration
    place = "Redis at \(configuration.address)"
  }

  public func write(_ batch: FeatureBatch, by permit: ProjectionPermit) throws(RedisError)
    -> FeatureWriter.Counts
  { try writer.write(batch, by: permit) }

  public func evictionPolicy() throws(RedisError) -> EvictionPolicy? {
    try RedisConnection(configuration).serverInfo().evictionPolicy
  }

  public func record() throws(RedisError) -> ProjectionRecord? { try keeper.record() }

  public func begin(_ record: ProjectionRecord) throws(RedisError) -> Bool {
    try keeper.begin(record)
  }

  public func replace(epoch: UInt64?, by record: ProjectionRecord) throws(RedisError) -> Bool {
    try keeper.replace(epoch: epoch, by: record)
  }

  public func fence(of entity: Int64, view: Int) throws(RedisError) -> Fence? {
    let layout = projection.views[view]
    var key: [UInt8] = []
    layout.key.append(entity, to: &key)
    return try reader.read(layout.fields, key: key.span.bytes)?.fence
  }

  public func scan(
    view: Int, from cursor: ProjectionKeeper.Cursor, _ body: (ProjectionKeeper.Row) -> Void
  ) throws(RedisError) -> ProjectionKeeper.Cursor? {
    try keeper.scan(projection.views[view], from: cursor, body)
  }

  public func sweep(
    view: Int, from cursor: ProjectionKeeper.Cursor, _ permit: ProjectionPermit,
    removed: inout Int
  ) throws(RedisError) -> ProjectionKeeper.Cursor? {
    try keeper.sweep(projection.views[view], from: cursor, permit, removed: &removed)
  }

  public func endSweep(_ permit: ProjectionPermit) throws(RedisError) {
    try keeper.endSweep(permit)
  }
}
