import EventLog
import RedisProjection

/// How far the stage's partitions are projected: in Redis, and at the end of the open batch.
struct ProjectedPositions {
  /// As the record in Redis has them; absent where it has none.
  private var known: [TopicPartition: ProjectionPosition] = [:]
  /// Where the open batch ends.
  private var pending: [TopicPartition: ProjectionPosition] = [:]
  private var owned: Set<TopicPartition> = []

  /// Takes partitions from the record.
  mutating func take(_ partitions: [TopicPartition], _ record: ProjectionRecord) {
    for partition in partitions {
      owned.insert(partition)
      known[partition] = record.positions["\(partition)"]
      pending[partition] = nil
    }
  }

  /// Forgets all partitions but these.
  mutating func keep(_ partitions: [TopicPartition]) {
    owned.formIntersection(partitions)
    known = known.filter { owned.contains($0.key) }
    pending = pending.filter { owned.contains($0.key) }
  }

  /// A batch begins: one that was aborted is read again.
  mutating func beginBatch() { pending.removeAll(keepingCapacity: true) }

  /// Notes records that the batch projects.
  mutating func note(_ partition: TopicPartition, _ records: borrowing RecordRun) {
    let record = records[records.count - 1]
    pending[partition] = ProjectionPosition(
      next: record.offset + 1,
      last: RecordMark(
        offset: record.offset, timestamp: record.timestamp, key: record.key, value: record.value))
  }

  /// How the batch moves the positions in Redis. A batch that is read again may be behind them.
  var advances: [ProjectionPermit.Advance] {
    pending.compactMap { partition, position in
      let from = known[partition]
      if let from, from.next >= position.next { return nil }
      return ProjectionPermit.Advance(partition: "\(partition)", from: from, to: position)
    }
  }

  /// Notes that Redis has the batch.
  mutating func settle() {
    for (partition, position) in pending where known[partition]?.next ?? -1 < position.next {
      known[partition] = position
    }
    pending.removeAll(keepingCapacity: true)
  }

  /// Whether the record still has what it had after the stage's last write.
  func agree(with record: ProjectionRecord) -> Bool {
    owned.allSatisfy { record.positions["\($0)"] == known[$0] }
  }

  /// Where each partition stands in Redis.
  func next(of partition: TopicPartition) -> Int64? { known[partition]?.next }
}
