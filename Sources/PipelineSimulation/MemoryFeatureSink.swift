import EventLog
import Pipeline
import RedisProjection
import Simulation
import Synchronization

/// One process's connection to a `MemoryRedis`. A crash may leave a batch partly written.
final class MemoryFeatureSink: FeatureSink {
  private let redis: MemoryRedis
  private let projection: FeastProjection
  private let process: SimulatedProcess
  /// The server that it is connected to.
  private let server: Atomic<Int>

  init(_ redis: MemoryRedis, _ projection: FeastProjection, _ process: SimulatedProcess) {
    self.redis = redis
    self.projection = projection
    self.process = process
    server = Atomic(redis.server)
  }

  var place: String { "the simulated Redis" }

  /// A call that changes or reads Redis. What Redis itself refuses is no fault of the connection.
  private func perform<R>(
    _ effect: SimulatedProcess.Effect, _ body: () throws(RedisError) -> R
  ) throws(RedisError) -> R {
    var refusal: RedisError?
    var result: R?
    do throws(LogError) {
      try process.perform(effect) { (_) throws(LogError) in
        let present = redis.server
        guard server.exchange(present, ordering: .relaxed) == present else {
          refusal = RedisError(.closed, at: place, "another server answers")
          return
        }
        do throws(RedisError) { result = try body() } catch { refusal = error }
      }
    } catch {
      throw RedisError(.unreachable, at: place, error.message)
    }
    guard let result else {
      throw refusal ?? RedisError(.silent, at: place, "no answer")
    }
    return result
  }

  func write(_ batch: FeatureBatch, by permit: ProjectionPermit) throws(RedisError)
    -> FeatureWriter.Counts
  {
    var counts = FeatureWriter.Counts()
    try batch.forEachRow { (view, key, fence, content) throws(RedisError) in
      let key = MemoryRedis.Key(view: view, bytes: key.withUnsafeBytes { Array($0) })
      let bytes: [UInt8]? = if let content { content.withUnsafeBytes { Array($0) } } else { nil }
      let isNewer = try perform(.writeElsewhere) { () throws(RedisError) in
        try redis.set(key, MemoryRedis.Row(fence: fence, content: bytes), by: permit)
      }
      if isNewer { counts.written += 1 } else { counts.fenced += 1 }
    }
    if !permit.advances.isEmpty {
      try perform(.writeElsewhere) { () throws(RedisError) in try redis.advance(by: permit) }
    }
    return counts
  }

  func evictionPolicy() -> EvictionPolicy? { nil }

  func record() throws(RedisError) -> ProjectionRecord? {
    try perform(.ask) { () -> ProjectionRecord? in redis.record }
  }

  func begin(_ record: ProjectionRecord) throws(RedisError) -> Bool {
    try perform(.writeElsewhere) { () throws(RedisError) in redis.begin(record) }
  }

  func replace(epoch: UInt64?, by record: ProjectionRecord) throws(RedisError) -> Bool {
    try perform(.writeElsewhere) { () throws(RedisError) in
      redis.replace(epoch: epoch, by: record)
    }
  }

  func fence(of entity: Int64, view: Int) throws(RedisError) -> Fence? {
    var bytes: [UInt8] = []
    projection.views[view].key.append(entity, to: &bytes)
    let key = MemoryRedis.Key(view: view, bytes: bytes)
    return try perform(.ask) { () -> Fence? in redis.all[key]?.fence }
  }

  func scan(
    view: Int, from cursor: ProjectionKeeper.Cursor, _ body: (ProjectionKeeper.Row) -> Void
  ) throws(RedisError) -> ProjectionKeeper.Cursor? {
    let rows = try perform(.ask) { () throws(RedisError) in redis.all }
    for (key, row) in rows where key.view == view {
      guard let entity = projection.views[view].key.int64(of: key.bytes) else { continue }
      body(ProjectionKeeper.Row(entity: entity, fence: row.fence, eventTime: row.eventTime))
    }
    return nil
  }

  func sweep(
    view: Int, from cursor: ProjectionKeeper.Cursor, _ permit: ProjectionPermit,
    removed: inout Int
  ) throws(RedisError) -> ProjectionKeeper.Cursor? {
    removed += try perform(.writeElsewhere) { () throws(RedisError) in
      try redis.sweep(view: view, by: permit)
    }
    return nil
  }

  func endSweep(_ permit: ProjectionPermit) throws(RedisError) {
    try perform(.writeElsewhere) { () throws(RedisError) in try redis.endSweep(by: permit) }
  }
}

extension MemoryRedis.Row {
  /// The content's parts; `nil` for one that is cut short.
  func parts(_ count: Int) -> [[UInt8]]? {
    guard let content else { return nil }
    var parts: [[UInt8]] = []
    var position = 0
    while position < content.count, parts.count < count {
      guard position + 4 <= content.count else { return nil }
      let length = (0..<4).reduce(0) { $0 | Int(content[position + $1]) << (8 * $1) }
      let end = position + 4 + length
      guard end <= content.count else { return nil }
      parts.append(Array(content[position + 4..<end]))
      position = end
    }
    return parts
  }

  /// The values' time, which comes first.
  var eventTime: Int64? {
    parts(1)?.first.flatMap { FeastTimestamp.milliseconds(serialized: $0.span.bytes) }
  }
}
