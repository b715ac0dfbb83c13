import Configuration
import EventLog
import Foundation
import KafkaLog
import Pipeline
import Streams

/// A partition of users' events that no instance has ever read, although it holds records.
package struct UnreadPartition: Encodable, Hashable {
  var stage: String
  var topic: String
  var partition: Int32
  /// What to do about it.
  var remedy: String

  init(_ source: TopicPartition, of stage: StageDeclaration) {
    self.stage = stage.name
    topic = source.topic
    partition = source.partition
    remedy =
      "start a daemon: within a minute it reads new partitions from their beginning. If one runs,"
      + " its log says what keeps the \(stage.name) stage from this partition"
  }

  package var text: String {
    """
    \(stage)[\(partition)]: not compared: \(topic)[\(partition)] holds records that no instance has \
    ever read
      → \(remedy)
    """
  }
}

/// Finds what has no state at all: a stage without state that records its positions, and has none
/// of a partition.
struct UnreadPartitions {
  private static let pause = 0.5

  let settings: Settings
  let cluster: VerifiedCluster
  /// How long a daemon that runs may take to read what has just been added.
  let patience: Duration

  /// - Parameter partition: the only one to look at; `nil` for all.
  func find(partition: Int32?) throws -> [UnreadPartition] {
    let deadline = ContinuousClock.now + patience
    while true {
      let found = try Topology.product.filter(\.recordsPositions).flatMap { stage in
        try unread(of: stage).filter { partition == nil || $0.partition == partition }
          .map { UnreadPartition($0, of: stage) }
      }
      guard !found.isEmpty, ContinuousClock.now < deadline, try isDaemonThere() else {
        return found
      }
      Thread.sleep(forTimeInterval: Self.pause)
    }
  }

  private func isDaemonThere() throws -> Bool {
    try Topology.product.filter(\.recordsPositions).contains { stage in
      try !cluster.admin.everyMember(of: settings.topology.group(of: stage)).isEmpty
    }
  }

  private func unread(of stage: StageDeclaration) throws -> [TopicPartition] {
    let held = try cluster.log.bounds(of: settings.topology[stage.inputs[0]])
    let group = settings.topology.group(of: stage)
    // Offsets of a group that had no members for long expire; what the stage records doesn't.
    let committed = try cluster.admin.committed(group: group, of: Array(held.keys))
    let recorded = try recordedPartitions(of: stage)
    let gap = LogGap(cluster.log, clientID: "projectionist-verify-unread")
    return try held.keys.sorted(by: { $0.partition < $1.partition }).filter { source in
      guard committed[source] == nil, !recorded.contains(source.partition),
        let offsets = held[source]
      else { return false }
      return try gap.holdsRecords(source, offsets)
    }
  }

  private func recordedPartitions(of stage: StageDeclaration) throws -> Set<Int32> {
    guard let topic = stage.positions.map({ settings.topology[$0] }),
      try cluster.admin.topics()[topic] != nil
    else { return [] }
    return Set(
      try RecordedPosition.all(
        in: topic, of: cluster.log, clientID: "projectionist-verify-positions", waits: false
      ).keys)
  }
}
