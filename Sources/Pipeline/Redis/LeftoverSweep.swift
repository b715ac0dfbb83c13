import RedisProjection

/// Finds and removes what earlier epochs have left in Redis, a step at a time: rows of entities
/// that no features of this log stand for.
struct LeftoverSweep {
  private var view = 0
  private var cursor = ProjectionKeeper.Cursor()
  /// Rows removed of each view.
  private(set) var removed: [Int]

  /// - Parameter views: how many views there are.
  init(views: Int) {
    removed = Array(repeating: 0, count: views)
  }

  /// Whether all views are swept.
  var isFinished: Bool { view == removed.count }

  mutating func step(_ sink: some FeatureSink, _ permit: ProjectionPermit) throws(RedisError) {
    let next = try sink.sweep(view: view, from: cursor, permit, removed: &removed[view])
    cursor = next ?? ProjectionKeeper.Cursor()
    if next == nil { view += 1 }
    if isFinished { try sink.endSweep(permit) }
  }
}
