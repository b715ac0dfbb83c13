import EventLog
import Streams

/// How long records may have waited in each partition.
///
/// The log says how many records wait, and not how old they are. They came after the newest record
/// that was processed, and after the moment at which none was left.
struct PartitionWaits {
  /// By stage and partition, when the stage was last known to have processed everything; the first
  /// look at a partition counts as such, because nothing is known from before.
  private var caughtUp: [String: [TopicPartition: Int64]] = [:]

  /// Notes the positions of all partitions that a stage owns.
  ///
  /// - Parameter now: in milliseconds since 1970.
  mutating func note(
    _ positions: [TopicPartition: PartitionPosition], of stage: String, at now: Int64
  ) {
    for (partition, position) in positions {
      if position.lag > 0, caughtUp[stage]?[partition] != nil { continue }
      caughtUp[stage, default: [:]][partition] = now
    }
  }

  /// Forgets partitions that the stage gives up.
  mutating func forget(_ partitions: [TopicPartition], of stage: String) {
    for partition in partitions { caughtUp[stage]?[partition] = nil }
  }

  /// Forgets all of a stage's partitions, which may be another member's by now.
  mutating func forget(_ stage: String) { caughtUp[stage] = nil }

  /// How long the oldest record may have waited at the most, in milliseconds.
  func wait(
    in partition: TopicPartition, _ position: PartitionPosition, of stage: String, at now: Int64
  ) -> Int64 {
    guard position.lag > 0 else { return 0 }
    let since = max(position.newestTime ?? 0, caughtUp[stage]?[partition] ?? 0)
    return since == 0 ? 0 : max(0, now - since)
  }
}
