import Ratings
import StateStore

/// The newest features of each entity in a batch. Earlier ones would be overwritten anyway.
struct PendingFeatures<Features: FeatureRow> {
  struct Row {
    let entity: Int64
    /// Of the record that carried them.
    var offset: Int64
    /// When that happened; see `RecordView.timestamp`.
    var time: Int64
    /// `nil` when the entity no longer has any.
    var features: Features?
  }

  /// In the order of their entities' first appearance.
  private(set) var rows: [Row] = []
  private var index: [Int64: Int] = [:]

  mutating func set(_ entity: Int64, offset: Int64, time: Int64, _ features: Features?) {
    if let known = index[entity] {
      rows[known].offset = offset
      rows[known].time = time
      rows[known].features = features
    } else {
      index[entity] = rows.count
      rows.append(Row(entity: entity, offset: offset, time: time, features: features))
    }
  }

  mutating func removeAll() {
    rows.removeAllOfBatch()
    index.removeAllOfBatch()
  }
}
