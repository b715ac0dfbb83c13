import Configuration
import EventLog
import Foundation
import KafkaLog
import Logging
import Pipeline
import Streams

/// A partition of users' events that the state does not stand for.
package struct UnreadPartition: Encodable, Hashable {
  var stage: String
  var topic: String
  var partition: Int32
  /// Whether a daemon may yet read it.
  let isUnread: Bool
  /// What is wrong with it.
  var problem: String
  /// What to do about it.
  var remedy: String

  /// One that no instance has ever read, although it holds records.
  init(_ source: TopicPartition, of stage: StageDeclaration) {
    self.init(
      source, of: stage, isUnread: true, problem: "it holds records that no instance has ever read",
      remedy: "start a daemon: within a minute it reads new partitions from their beginning. If one"
        + " runs, its log says what keeps the \(stage.name) stage from this partition")
  }

  /// One that is not what the stage has read.
  init(_ source: TopicPartition, of stage: StageDeclaration, loss: String) {
    self.init(
      source, of: stage, isUnread: false, problem: "it is not the one that was read: \(loss)",
      remedy: StorePlace.inputRemedy)
  }

  private init(
    _ source: TopicPartition, of stage: StageDeclaration, isUnread: Bool, problem: String,
    remedy: String
  ) {
    self.isUnread = isUnread
    self.stage = stage.name
    topic = source.topic
    partition = source.partition
    self.problem = problem
    self.remedy = remedy
  }

  private enum CodingKeys: String, CodingKey {
    case stage, topic, partition, problem, remedy
  }

  package var text: String {
    "\(stage)[\(partition)]: not compared: \(topic)[\(partition)]: \(problem)\n  → \(remedy)"
  }
}

/// Finds what no state stands for: partitions that a stage without state, which records its
/// positions, has never read, or that are others by now.
struct UnreadPartitions {
  private static let pause = 0.5

  let settings: Settings
  let cluster: VerifiedCluster
  let logger: Logger
  /// How long a daemon that runs may take to read what has just been added.
  let patience: Duration

  /// - Parameter partition: the only one to look at; `nil` for all.
  func find(partition: Int32?) throws -> [UnreadPartition] {
    let deadline = ContinuousClock.now + patience
    let offsets = try StageOffsets.movable.map { try StageOffsets($0, settings, logger) }
    while true {
      let found = try offsets.flatMap(unread(in:)).filter {
        partition == nil || $0.partition == partition
      }
      guard found.contains(where: \.isUnread), ContinuousClock.now < deadline, try isDaemonThere()
      else {
        return found
      }
      Thread.sleep(forTimeInterval: Self.pause)
    }
  }

  private func isDaemonThere() throws -> Bool {
    try StageOffsets.movable.contains { stage in
      try !cluster.admin.everyMember(of: settings.topology.group(of: stage)).isEmpty
    }
  }

  private func unread(in offsets: StageOffsets) throws -> [UnreadPartition] {
    let gap = LogGap(cluster.log, clientID: "projectionist-verify-unread")
    return try offsets.reports().compactMap { report in
      if let loss = report.loss {
        return UnreadPartition(report.source, of: offsets.stage, loss: loss)
      }
      guard !report.isRead, try gap.holdsRecords(report.source, report.held) else { return nil }
      return UnreadPartition(report.source, of: offsets.stage)
    }
  }
}
