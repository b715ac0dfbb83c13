import Pipeline
import RedisProjection
import Synchronization

/// Redis as the redis stage uses it: rows with the fence of their newest write, and the record of
/// whose they are.
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

  struct Content: Sendable {
    /// Counts the servers that there have been: a connection belongs to one of them.
    fileprivate(set) var server = 0
    var rows: [Key: Row] = [:]
    var record: ProjectionRecord?
  }

  private let content = Mutex(Content())
  private let firstStepBack = Mutex<String?>(nil)
  private let fences: Bool

  /// - Parameter fences: false lets older rows overwrite newer ones, for checkers to notice.
  init(fences: Bool) {
    self.fences = fences
  }

  var all: [Key: Row] { content.withLock { $0.rows } }
  var record: ProjectionRecord? { content.withLock { $0.record } }
  /// Describes the first time that older features overwrote newer ones.
  var stepBack: String? { firstStepBack.withLock { $0 } }

  /// Everything, to put back later.
  var copy: Content { content.withLock { $0 } }

  var server: Int { content.withLock { $0.server } }

  /// Replaces everything, and closes all connections.
  func become(_ other: Content) {
    content.withLock { content in
      let server = content.server + 1
      content = other
      content.server = server
    }
  }

  // MARK: As the scripts do it

  private static func refuse(_ refusal: ProjectionRefusal) -> RedisError {
    RedisError(refusal, at: "the simulated Redis")
  }

  private static func check(_ permit: ProjectionPermit, _ record: ProjectionRecord?)
    throws(RedisError)
  {
    guard let record else { throw refuse(.missing) }
    guard record.owner == permit.owner, record.epoch == permit.epoch else { throw refuse(.claimed) }
  }

  /// - Returns: whether the row was newer than the existing one.
  func set(_ key: Key, _ row: Row, by permit: ProjectionPermit) throws(RedisError) -> Bool {
    try content.withLock { content throws(RedisError) in
      try Self.check(permit, content.record)
      if let stored = content.rows[key], stored.fence >= row.fence,
        !(permit.replacesEqual && stored.fence == row.fence)
      {
        if fences { return false }
        if stored.fence > row.fence {
          firstStepBack.withLock { first in
            first =
              first ?? "Redis has replaced features of \(stored.fence) with those of \(row.fence)"
          }
        }
      }
      content.rows[key] = row
      return true
    }
  }

  func advance(by permit: ProjectionPermit) throws(RedisError) {
    try content.withLock { content throws(RedisError) in
      try Self.check(permit, content.record)
      for advance in permit.advances {
        let known = content.record?.positions[advance.partition]
        guard known == advance.from || known == advance.to else { throw Self.refuse(.moved) }
      }
      for advance in permit.advances {
        content.record?.positions[advance.partition] = advance.to
      }
    }
  }

  func begin(_ record: ProjectionRecord) -> Bool {
    content.withLock { content in
      guard content.record == nil else { return false }
      content.record = record
      return true
    }
  }

  func replace(epoch: UInt64?, by record: ProjectionRecord) -> Bool {
    content.withLock { content in
      guard content.record?.epoch == epoch else { return false }
      content.record = record
      return true
    }
  }

  /// Removes a view's rows of earlier epochs.
  ///
  /// - Returns: how many had features.
  func sweep(view: Int, by permit: ProjectionPermit) throws(RedisError) -> Int {
    try content.withLock { content throws(RedisError) in
      try Self.check(permit, content.record)
      var removed = 0
      for (key, row) in content.rows where key.view == view && row.fence.generation < permit.epoch {
        content.rows[key] = nil
        if row.content != nil { removed += 1 }
      }
      return removed
    }
  }

  func endSweep(by permit: ProjectionPermit) throws(RedisError) {
    try content.withLock { content throws(RedisError) in
      try Self.check(permit, content.record)
      content.record?.hasLeftovers = false
    }
  }
}
