import EventLog
import Pipeline
import RedisProjection
import Simulation
import Synchronization

/// Redis as the redis stage uses it: rows with the fence of their newest write.
final class MemoryRedis: Sendable {
  struct Key: Hashable, Sendable {
    var view: Int
    var bytes: [UInt8]
  }

  struct Row: Hashable, Sendable {
    var fence: Fence
    /// The time and the values, each prefixed with its length; `nil` after a deletion.
    var content: [UInt8]?
  }

  private let rows = Mutex<[Key: Row]>([:])
  private let firstStepBack = Mutex<String?>(nil)
  private let fences: Bool

  /// - Parameter fences: false lets older rows overwrite newer ones, for checkers to notice.
  init(fences: Bool) {
    self.fences = fences
  }

  var all: [Key: Row] { rows.withLock { $0 } }
  /// Describes the first time that older features overwrote newer ones.
  var stepBack: String? { firstStepBack.withLock { $0 } }

  /// Removes all rows and fences.
  func flush() { rows.withLock { $0 = [:] } }

  /// - Returns: whether the row was newer than the existing one.
  func set(_ key: Key, _ row: Row) -> Bool {
    rows.withLock { rows in
      if let stored = rows[key], stored.fence >= row.fence {
        if fences { return false }
        if stored.fence > row.fence {
          firstStepBack.withLock { first in
            first =
              first ?? "Redis has replaced features of \(stored.fence) with those of \(row.fence)"
          }
        }
      }
      rows[key] = row
      return true
    }
  }
}

/// One process's connection to a `MemoryRedis`. A crash may leave a batch partly written.
final class MemoryFeatureSink: FeatureSink {
  private let redis: MemoryRedis
  private let process: SimulatedProcess

  init(_ redis: MemoryRedis, _ process: SimulatedProcess) {
    self.redis = redis
    self.process = process
  }

  func write(_ batch: FeatureBatch) throws(RedisError) -> FeatureWriter.Counts {
    var counts = FeatureWriter.Counts()
    try batch.forEachRow { (view, key, fence, content) throws(RedisError) in
      let key = MemoryRedis.Key(view: view, bytes: key.withUnsafeBytes { Array($0) })
      let bytes: [UInt8]? = if let content { content.withUnsafeBytes { Array($0) } } else { nil }
      let isNewer: Bool
      do throws(LogError) {
        isNewer = try process.perform(.writeElsewhere) { (_) throws(LogError) in
          redis.set(key, MemoryRedis.Row(fence: fence, content: bytes))
        }
      } catch {
        throw RedisError(error.message, isTransient: error.reaction == .retry)
      }
      if isNewer { counts.written += 1 } else { counts.fenced += 1 }
    }
    return counts
  }
}
