import Configuration
import EventLog
import KafkaLog
import LMDBStore
import Pipeline
import Ratings
import Streams

/// Holds Redis against the features of one partition's state, both ways.
///
/// The store must have taken in all input there was when the comparison noted its ends.
struct RedisVerification {
  let place: VerifiedPartition
  private let comparison: RedisComparison
  /// As they are in `movie-features`; empty for users.
  private let published: [Int64: MovieFeatures?]

  /// Notes the ends.
  init(
    _ settings: Settings, _ cluster: VerifiedCluster, place: VerifiedPartition,
    patience: Duration
  ) throws {
    self.place = place
    comparison = try RedisComparison(
      settings, cluster, features: Self.features(place), patience: patience)
    published =
      place.schema.stage == .movie
      ? try PublishedFeatures.movies(cluster.log, comparison.ends) : [:]
  }

  /// The features' topic: that of the stage's outputs which the redis stage projects.
  private static func features(_ place: VerifiedPartition) -> TopicDeclaration {
    let projected = place.schema.stage.outputs.first {
      StageDeclaration.redis.inputs.contains($0.topic)
    }
    guard let projected else { preconditionFailure("\(place.description) has no features") }
    return projected.topic
  }

  /// Waits until the store has taken in the input there was at the start.
  ///
  /// - Returns: what is wrong if it does not in time.
  func waitForStore(_ reader: LMDBReader) throws -> String? {
    let input = comparison.settings.topology[place.schema.stage.inputs[0]]
    let partition = TopicPartition(input, place.partition)
    return try comparison.wait(for: [partition], "the \(place.stage) stage") { _ in
      try reader.snapshot().inputOffset() ?? 0
    }
  }

  /// Waits until the redis stage has projected everything below the noted ends.
  func waitForRedisStage() throws -> String? { try comparison.waitForRedisStage() }

  /// Compares each row, and finds those that no features stand for.
  ///
  /// - Parameter features: by entity; `nil` for one that has none any more.
  func run(_ features: [Int64: (any FeatureRow)?], shown: Int) throws -> RedisOutcome {
    var outcome = RedisOutcome(shown: shown)
    var expected = features
    for (entity, row) in features { expected[entity] = .some(adapted(entity, row, &outcome)) }
    try comparison.run(expected, of: place.partition, &outcome)
    return outcome
  }

  /// A movie's quality score moves with every rating of any movie, and so does the time of its
  /// features when that is published without an event: of these two, and only these, Redis must
  /// have what was published last.
  private func adapted(
    _ entity: Int64, _ row: (any FeatureRow)?, _ outcome: inout RedisOutcome
  ) -> (any FeatureRow)? {
    guard var movie = row as? MovieFeatures, let published = published[entity] ?? nil else {
      return row
    }
    if movie.qualityScore != published.qualityScore { outcome.unrefreshed += 1 }
    movie.qualityScore = published.qualityScore
    movie.eventTimeMilliseconds = published.eventTimeMilliseconds
    return movie
  }
}
