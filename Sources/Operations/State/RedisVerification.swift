import Configuration
import Console
import EventLog
import Foundation
import KafkaLog
import LMDBStore
import Pipeline
import Ratings
import RedisProjection
import Streams
import Wiring

/// Holds Redis against the features of one partition's state, both ways.
///
/// What is compared must be of one moment, while events may go on arriving. So the ends of the
/// features' topic are noted first; then the store must have taken in all input there was at that
/// moment, and the redis stage all features below the ends. Rows that Redis has from records at or
/// above the ends are newer than the state compared, and counted as such, unless the log has no
/// such records.
struct RedisVerification {
  let settings: Settings
  let log: KafkaLog
  let place: VerifiedPartition
  /// How long to wait for a stage.
  let patience: Duration
  /// By partition of the features' topic.
  let ends: [TopicPartition: Int64]
  /// Among how many of them entities are placed; others were added later and have none.
  private let partitions: Int32
  private let keeper: ProjectionKeeper
  private let identity: ProjectionIdentity
  /// As they are in `movie-features`; empty for users.
  private let published: [Int64: MovieFeatures]

  /// Notes the ends.
  init(
    settings: Settings, log: KafkaLog, cluster: String, counts: PartitionCounts,
    place: VerifiedPartition, patience: Duration
  ) throws {
    self.settings = settings
    self.log = log
    self.place = place
    self.patience = patience
    identity = settings.projectionIdentity(cluster: cluster)
    keeper = ProjectionKeeper(
      settings.redisConfiguration, project: identity.projection.project)
    let features = Self.features(place)
    ends = try Self.ends(of: settings.topology[features], log)
    partitions = counts.count(of: features) ?? Int32(ends.count)
    published = place.schema.stage == .movie ? try Self.readMovies(log, settings.topology) : [:]
  }

  private static func ends(of topic: String, _ log: KafkaLog) throws -> [TopicPartition: Int64] {
    let reader = try log.makeConsumer(
      ConsumerConfiguration(topics: [topic], group: nil, clientID: "projectionist-verify"))
    defer { reader.close() }
    var ends: [TopicPartition: Int64] = [:]
    for number in 0..<(try reader.partitionCount(of: topic)) {
      let partition = TopicPartition(topic, number)
      ends[partition] = try reader.offsets(of: partition).upperBound
    }
    return ends
  }

  /// The features' topic: that of the stage's outputs which the redis stage projects.
  private static func features(_ place: VerifiedPartition) -> TopicDeclaration {
    let projected = place.schema.stage.outputs.first {
      StageDeclaration.redis.inputs.contains($0.topic)
    }
    guard let projected else { preconditionFailure("\(place.description) has no features") }
    return projected.topic
  }

  private static func readMovies(_ log: KafkaLog, _ topology: Topology) throws(LogError) -> [Int64:
    MovieFeatures]
  {
    var movies: [Int64: MovieFeatures] = [:]
    var parser = MovieFeaturesParser()
    let table = try GlobalTable(
      log, topic: topology[.movieFeatures], clientID: "projectionist-verify")
    try table.catchUp { record in
      guard let key = record.key, let movie = DecimalText.parse(key) else { return }
      // What is no features was not written by the movie stage.
      movies[movie] = if let value = record.value { try? parser.parse(value) } else { nil }
    }
    return movies
  }

  // MARK: Waiting

  /// Waits until the store has taken in the input there was at the start.
  ///
  /// - Returns: what is wrong if it does not in time.
  func waitForStore(_ reader: LMDBReader) throws -> String? {
    let input = settings.topology[place.schema.stage.inputs[0]]
    return try wait(for: [TopicPartition(input, place.partition)], "the \(place.stage) stage") {
      _ in
      try reader.snapshot().inputOffset() ?? 0
    }
  }

  /// Waits until the redis stage has projected everything below the noted ends.
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

  private func wait(
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
      while true {
        let reached = try position(partition)
        if reached >= end { break }
        if try !gap.holdsRecords(partition, reached..<end) { break }
        guard ContinuousClock.now < deadline else {
          return "\(who) stands at offset \(reached) of \(end) in \(partition)"
        }
        Thread.sleep(forTimeInterval: 0.1)
      }
    }
    return nil
  }

  // MARK: Comparing

  /// Compares each row, and finds those that no features stand for.
  ///
  /// - Parameter features: by entity; `nil` for one that has none any more.
  func run(_ features: [Int64: (any Ratings.FeatureRow)?], shown: Int) throws -> RedisOutcome {
    let projection = settings.feastProjection
    let view = place.schema.stage == .user ? projection.user : projection.movie
    let epoch = try keeper.record()?.epoch ?? 0
    var check = ProjectionCheck(view, epoch: epoch, redis: settings.redisConfiguration)
    var outcome = RedisOutcome(shown: shown)
    var newer: [(entity: Int64, fence: Fence)] = []
    var progress = ProgressBar(
      "redis \(place.description)", unit: "rows", goal: .count(max(1, features.count)))
    for (entity, row) in features.sorted(by: { $0.key < $1.key }) {
      let expected = self.expected(entity, row, &outcome)
      switch try check.check(entity, expected, below: ends[home(of: entity)] ?? 0) {
      case .same: break
      case .newer(let fence): newer.append((entity, fence))
      case .missing: outcome.note(.missing, entity)
      case .different(let differences): outcome.note(.different(differences), entity)
      }
      outcome.rows += 1
      progress.update(outcome.rows)
    }
    progress.close(outcome.rows)
    try findLeftovers(view, epoch, features, &outcome, &newer)
    try judge(newer, epoch, &outcome)
    return outcome
  }

  /// The partition of the features' topic that has an entity's.
  private func home(of entity: Int64) -> TopicPartition {
    let key = Array("\(entity)".utf8)
    return TopicPartition(
      settings.topology[Self.features(place)],
      KafkaPartitioner.partition(key: key.span.bytes, count: partitions))
  }

  private func findLeftovers(
    _ view: FeastLayout, _ epoch: UInt64, _ features: [Int64: (any Ratings.FeatureRow)?],
    _ outcome: inout RedisOutcome, _ newer: inout [(entity: Int64, fence: Fence)]
  ) throws {
    var found: Set<Int64> = []
    var cursor: ProjectionKeeper.Cursor? = .init()
    while let from = cursor {
      cursor = try keeper.scan(view, from: from) { row in
        guard row.eventTime != nil, features[row.entity] == nil, found.insert(row.entity).inserted
        else { return }
        let home = home(of: row.entity)
        guard home.partition == place.partition else { return }
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
    let present = try Self.ends(of: settings.topology[Self.features(place)], log)
    for (entity, fence) in newer {
      if fence < Fence(generation: epoch, offset: present[home(of: entity)] ?? 0) {
        outcome.newer += 1
      } else {
        outcome.note(.fenced(fence), entity)
      }
    }
  }

  /// A movie's quality score moves with every rating of any movie, and so does the time of its
  /// features when that is published without an event: of these two, and only these, Redis must
  /// have what was published last.
  private func expected(
    _ entity: Int64, _ row: (any Ratings.FeatureRow)?, _ outcome: inout RedisOutcome
  ) -> (any Ratings.FeatureRow)? {
    guard var movie = row as? MovieFeatures, let published = published[entity] else { return row }
    if movie.qualityScore != published.qualityScore { outcome.unrefreshed += 1 }
    movie.qualityScore = published.qualityScore
    movie.eventTimeMilliseconds = published.eventTimeMilliseconds
    return movie
  }
}
