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

/// Holds Redis against the features of one partition's state.
///
/// What is compared must be of one moment, while events may go on arriving. So the ends of the
/// features' topic are noted first; then the store must have taken in all input there was at that
/// moment, and the redis stage all features below the ends. Rows that Redis has from records at or
/// above the ends are newer than the state compared, and counted as such.
struct RedisVerification {
  let settings: Settings
  let log: KafkaLog
  let place: StorePlace
  /// How long to wait for a stage.
  let patience: Duration
  /// By partition of the features' topic.
  let ends: [TopicPartition: Int64]
  /// As they are in `movie-features`; empty for users.
  private let published: [Int64: MovieFeatures]

  struct Outcome {
    struct Row {
      var entity: Int64
      /// Empty for a row that is missing.
      var differences: [ProjectionCheck.Difference] = []
    }

    var rows = 0
    var newer = 0
    var differing = 0
    var first: [Row] = []
    /// Movies whose published quality score is under an older prior than the present one.
    var unrefreshed = 0

    mutating func note(_ row: Row, _ shown: Int) {
      differing += 1
      if first.count < shown { first.append(row) }
    }
  }

  /// Notes the ends.
  init(
    settings: Settings, log: KafkaLog, place: StorePlace, patience: Duration
  ) throws {
    self.settings = settings
    self.log = log
    self.place = place
    self.patience = patience
    let topic = Self.topic(place, settings.topology)
    let reader = try log.makeConsumer(
      ConsumerConfiguration(topics: [topic], group: nil, clientID: "projectionist-verify"))
    defer { reader.close() }
    var ends: [TopicPartition: Int64] = [:]
    for number in 0..<(try reader.partitionCount(of: topic)) {
      let partition = TopicPartition(topic, number)
      ends[partition] = try reader.offsets(of: partition).upperBound
    }
    self.ends = ends
    published = place.schema.stage == .movie ? try Self.readMovies(log, settings.topology) : [:]
  }

  /// The features' topic: that of the stage's outputs which the redis stage projects.
  private static func topic(_ place: StorePlace, _ topology: Topology) -> String {
    let projected = place.schema.stage.outputs.first {
      StageDeclaration.redis.inputs.contains($0.topic)
    }
    guard let projected else { preconditionFailure("\(place.stage) has no features") }
    return topology[projected.topic]
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
    let topology = settings.topology
    let reader = try log.makeConsumer(
      ConsumerConfiguration(
        topics: [Self.topic(place, topology)], group: topology.group(of: .redis), isMember: false,
        clientID: "projectionist-verify-group"))
    defer { reader.close() }
    return try wait(for: Array(ends.keys), "the redis stage") { partition in
      try reader.committed([partition])[partition] ?? 0
    }
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

  /// Compares each row.
  ///
  /// - Parameter features: by entity; `nil` for one that has none any more.
  func run(_ features: [Int64: (any Ratings.FeatureRow)?], shown: Int) throws -> Outcome {
    let isUser = place.schema.stage == .user
    let projection = settings.feastProjection
    var check = ProjectionCheck(
      isUser ? projection.user : projection.movie, generation: UInt64(settings.redis.generation),
      redis: settings.redisConfiguration)
    let topic = Self.topic(place, settings.topology)
    let count = Int32(ends.count)
    var outcome = Outcome()
    var progress = ProgressBar(
      "redis \(place.description)", unit: "rows", goal: .count(max(1, features.count)))
    for (entity, row) in features.sorted(by: { $0.key < $1.key }) {
      let key = Array("\(entity)".utf8)
      let home = TopicPartition(
        topic, KafkaPartitioner.partition(key: key.span.bytes, count: count))
      let expected = self.expected(entity, row, &outcome)
      switch try check.check(entity, expected, below: ends[home] ?? 0) {
      case .same: break
      case .newer: outcome.newer += 1
      case .missing: outcome.note(Outcome.Row(entity: entity), shown)
      case .different(let differences):
        outcome.note(Outcome.Row(entity: entity, differences: differences), shown)
      }
      outcome.rows += 1
      progress.update(outcome.rows)
    }
    progress.close(outcome.rows)
    return outcome
  }

  /// A movie's quality score moves with every rating of any movie, and so does the time of its
  /// features when that is published without an event: of these two, and only these, Redis must
  /// have what was published last.
  private func expected(
    _ entity: Int64, _ row: (any Ratings.FeatureRow)?, _ outcome: inout Outcome
  ) -> (any Ratings.FeatureRow)? {
    guard var movie = row as? MovieFeatures, let published = published[entity] else { return row }
    if movie.qualityScore != published.qualityScore { outcome.unrefreshed += 1 }
    movie.qualityScore = published.qualityScore
    movie.eventTimeMilliseconds = published.eventTimeMilliseconds
    return movie
  }
}
