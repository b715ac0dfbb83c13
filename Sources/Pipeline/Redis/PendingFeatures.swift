import Ratings
import StateStore

/// The newest features of each entity in a batch: the ones before them would be overwritten anyway.
struct PendingFeatures<Features: FeatureRow> {
  struct Row {
    let entity: Int64
    /// Of the record that carried them.
    var offset: Int64
    /// `nil` when the entity has none any more.
    var features: Features?
  }

  /// In the order of their entities' first appearance.
  private(set) var rows: [Row] = []
  private var index: [Int64: Int] = [:]

  mutating func set(_ entity: Int64, offset: Int64, _ features: Features?) {
    if let known = index[entity] {
      rows[known].offset = offset
      rows[known].features = features
    } else {
      index[entity] = rows.count
      rows.append(Row(entity: entity, offset: offset, features: features))
    }
  }

  mutating func removeAll() {
    rows.removeAllOfBatch()
    index.removeAllOfBatch()
  }
}
