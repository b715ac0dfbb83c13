import Configuration
import Console
import EventLog
import Foundation
import KafkaLog
import Pipeline
import Ratings
import RedisProjection
import Streams
import Wiring

/// Holds Redis against features of users or movies, both ways, while events may go on arriving.
///
/// What is compared must be of one moment. So the ends of the features' topic are noted first; then
/// the redis stage must have taken all features below the ends. Rows that Redis has from records at
/// or above the ends are newer than what is compared, and counted as such, unless the log has no
/// such records.
struct RedisComparison {
  let settings: Settings
  let log: KafkaLog
  /// The topic of the features.
  let topic: String
  let layout: FeastLayout
  /// Where it ended at the beginning, by partition.
  let ends: [TopicPartition: Int64]
  /// How long to wait for a stage.
  let patience: Duration
  /// Among how many partitions entities are placed; others were added later and have none.
  private let partitions: Int32
  private let keeper: ProjectionKeeper
  private let identity: ProjectionIdentity

  /// Notes the ends.
  ///
  /// - Parameter features: a topic that the redis stage projects.
  init(
    _ settings: Settings, _ cluster: VerifiedCluster, features: TopicDeclaration,
    patience: Duration
  ) throws {
    self.settings = settings
    log = cluster.log
    self.patience = patience
    identity = settings.projectionIdentity(cluster: cluster.id)
    keeper = ProjectionKeeper(settings.redisConfiguration, project: identity.projection.project)
    topic = settings.topology[features]
    let view = StageDeclaration.redis.inputs.firstIndex(of: features)
    layout = identity.projection.views[view ?? 0]
    ends = try log.bounds(of: topic).mapValues(\.upperBound)
    partitions = cluster.counts.count(of: features) ?? Int32(ends.count)
  }

  // MARK: Waiting

  /// Waits until the redis stage has projected everything below the noted ends.
  ///
  /// - Returns: what is wrong if it does not in time.
  func waitForRedisStage() throws -> String? {
    if let problem = ownership(try keeper.record()) { return problem }
    return try wait(for: Array(ends.keys), "the redis stage") { partition in
      try keeper.record()?.positions["\(partition)"]?.next ?? 0
    }
  }

  private func ownership(_ record: ProjectionRecord?) -> String? {
    let project = identity.projection.project
    guard let record else { return "it has no record of the project \(project): it was emptied" }
    guard record.owner != identity.owner else { return nil }
    return "its project \(project) belongs to \(record.owner), and this is \(identity.owner)"
  }

  /// Waits until a stage has passed the noted ends, or the present ones of other topics.
  func wait(
    for partitions: [TopicPartition], _ who: String,
    position: (TopicPartition) throws -> Int64
  ) throws -> String? {
    let gap = LogGap(log, clientID: "projectionist-verify-gap")
    let asking = try log.makeConsumer(
      ConsumerConfiguration(
        topics: [partitions[0].topic], group: nil, clientID: "projectionist-verify-ends"))
    defer { asking.close() }
    let deadline = ContinuousClock.now + patience
    for partition in partitions {
      let end = try ends[partition] ?? asking.offsets(of: partition).upperBound
      var progress: ProgressBar?
      var reached = try position(partition)
      defer { progress?.close(Int(reached)) }
      while reached < end {
        if try !gap.holdsRecords(partition, reached..<end) { break }
        guard ContinuousClock.now < deadline else {
          return "\(who) stands at offset \(reached) of \(end) in \(partition)"
        }
        if progress == nil {
          progress = ProgressBar(
            "waiting for \(who) in \(partition)", unit: "records", goal: .count(Int(end)))
        }
        progress?.update(Int(reached))
        Thread.sleep(forTimeInterval: 0.1)
        reached = try position(partition)
      }
    }
    return nil
  }

  // MARK: Comparing

  /// Compares each row, and finds those that no features stand for.
  ///
  /// - Parameters:
  ///   - features: by entity; `nil` for one that has none any more.
  ///   - partition: where all of them are at home; `nil` when they are those of all partitions.
  func run(
    _ features: [Int64: (any FeatureRow)?], of partition: Int32? = nil,
    _ outcome: inout RedisOutcome
  ) throws {
    let epoch = try keeper.record()?.epoch ?? 0
    var check = ProjectionCheck(layout, epoch: epoch, redis: settings.redisConfiguration)
    var newer: [(entity: Int64, fence: Fence)] = []
    let name = topic + (partition.map { "[\($0)]" } ?? "")
    var progress = ProgressBar(
      "redis \(name)", unit: "rows", goal: .count(max(1, features.count)))
    for (entity, row) in features.sorted(by: { $0.key < $1.key }) {
      switch try check.check(entity, row, below: ends[home(of: entity)] ?? 0) {
      case .same: break
      case .newer(let fence): newer.append((entity, fence))
      case .missing: outcome.note(.missing, entity)
      case .different(let differences): outcome.note(.different(differences), entity)
      }
      outcome.rows += 1
      progress.update(outcome.rows)
    }
    progress.close(outcome.rows)
    try findLeftovers(epoch, features, partition, &outcome, &newer)
    try judge(newer, epoch, &outcome)
  }

  /// The partition that has an entity's features.
  private func home(of entity: Int64) -> TopicPartition {
    let key = Array("\(entity)".utf8)
    return TopicPartition(
      topic, KafkaPartitioner.partition(key: key.span.bytes, count: partitions))
  }

  private func findLeftovers(
    _ epoch: UInt64, _ features: [Int64: (any FeatureRow)?], _ partition: Int32?,
    _ outcome: inout RedisOutcome, _ newer: inout [(entity: Int64, fence: Fence)]
  ) throws {
    var found: Set<Int64> = []
    var cursor: ProjectionKeeper.Cursor? = .init()
    while let from = cursor {
      cursor = try keeper.scan(layout, from: from) { row in
        guard row.eventTime != nil, features[row.entity] == nil, found.insert(row.entity).inserted
        else { return }
        let home = home(of: row.entity)
        guard partition.map({ $0 == home.partition }) ?? true else { return }
        if let fence = row.fence, fence >= Fence(generation: epoch, offset: ends[home] ?? 0) {
          newer.append((row.entity, fence))
        } else {
          outcome.note(.leftOver, row.entity)
        }
      }
    }
  }

  /// Rows newer than what is compared have changed meanwhile if the log has the records that they
  /// come from; otherwise no record will ever replace them.
  private func judge(
    _ newer: [(entity: Int64, fence: Fence)], _ epoch: UInt64, _ outcome: inout RedisOutcome
  ) throws {
    guard !newer.isEmpty else { return }
    let present = try log.bounds(of: topic).mapValues(\.upperBound)
    for (entity, fence) in newer {
      if fence < Fence(generation: epoch, offset: present[home(of: entity)] ?? 0) {
        outcome.newer += 1
      } else {
        outcome.note(.fenced(fence), entity)
      }
    }
  }
}
