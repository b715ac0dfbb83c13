import EventLog
import RedisProjection

/// Finds and removes what earlier epochs have left in Redis, a step at a time: rows of entities
/// that no features of this log stand for.
///
/// It begins when Redis has all features that the log held when the leftovers were noticed: a later
/// end would never be reached while features keep coming. A row of this log whose features were
/// replaced meanwhile, and compacted away, is missing until the stage gets to the new ones.
struct LeftoverSweep {
  /// How far the partitions that are not there yet must be projected first.
  private var awaited: [TopicPartition: Int64]
  private var view = 0
  private var cursor = ProjectionKeeper.Cursor()
  /// Rows removed of each view.
  private(set) var removed: [Int]

  /// - Parameters:
  ///   - views: how many views there are.
  ///   - awaited: by partition, the offset behind its last record.
  init(views: Int, awaiting awaited: [TopicPartition: Int64]) {
    self.awaited = awaited
    removed = Array(repeating: 0, count: views)
  }

  /// Notes how far Redis is.
  mutating func reach(_ record: ProjectionRecord) {
    awaited = awaited.filter { record.positions["\($0.key)"]?.next ?? 0 < $0.value }
  }

  /// Whether rows can be removed.
  var isReady: Bool { awaited.isEmpty }

  /// Whether all views are swept.
  var isFinished: Bool { view == removed.count }

  mutating func step(_ sink: some FeatureSink, _ permit: ProjectionPermit) throws(RedisError) {
    let next = try sink.sweep(view: view, from: cursor, permit, removed: &removed[view])
    cursor = next ?? ProjectionKeeper.Cursor()
    if next == nil { view += 1 }
    if isFinished { try sink.endSweep(permit) }
  }
}
