import Configuration
import EventLog
import Foundation
import KafkaLog
import Operations
import Pipeline
import Ratings
import RedisProjection
import Wiring

/// One user as a client of the pipeline sees them: features from Redis, recommendations over the
/// topics. Belongs to one thread.
final class SampleUser {
  struct Feature: Hashable {
    var name: String
    var text: String
  }

  static let countFeature = "rating_count"
  private static let replyTimeout = Duration.seconds(2)
  private static let movieCount = 10

  let user: Int64
  private let projection: FeastProjection
  private let reader: FeatureReader
  private let client: RequestClient
  private let ratings: RatingProducer

  init(_ user: Int64, settings: Settings, log: KafkaLog) throws {
    self.user = user
    projection = settings.feastProjection
    reader = FeatureReader(settings.redisConfiguration)
    client = try RequestClient(
      log, settings.topology, clientID: "projectionist-demo-requests")
    ratings = try RatingProducer(
      log, settings.topology, clientID: "projectionist-demo-ratings")
  }

  func close() {
    client.close()
    ratings.close()
  }

  /// The features that Redis holds; empty for a user it doesn't know.
  func features() throws(RedisError) -> [Feature] {
    var key: [UInt8] = []
    projection.user.key.append(user, to: &key)
    guard let row = try reader.read(projection.user.fields, key: key.span.bytes) else { return [] }
    return zip(projection.user.fields.features, row.values).map { name, value in
      Feature(name: name, text: value.map(Self.text) ?? "-")
    }
  }

  /// The daemon's answer; `nil` when none came in time.
  func recommendations(count: Int = movieCount) throws -> ReplyRecord? {
    let request = Array(#"{"user_id":\#(user),"num_recommendations":\#(count)}"#.utf8)
    return try client.ask(key: "\(user)", value: request, timeout: Self.replyTimeout)
      .map { try ReplyRecord($0.value) }
  }

  /// Rates a movie with five stars, and returns once the rating is stored.
  func rate(_ movie: Int64) throws(LogError) {
    try ratings.rate(user: user, movie: movie, rating: HalfStars(stars: 5))
    try ratings.flush()
  }

  private static func text(_ value: FeastValue) -> String {
    switch value {
    case .int64(let value): "\(value)"
    case .int32(let value): "\(value)"
    case .double(let value): decimal(value)
    case .float(let value): decimal(Double(value))
    case .string(let value): value
    case .bool(let value): "\(value)"
    case .bytes(let value): "\(value.count) bytes"
    case .unixTimestamp(let seconds):
      Date(timeIntervalSince1970: Double(seconds)).formatted(.iso8601)
    }
  }

  private static func decimal(_ value: Double) -> String { String(format: "%.4f", value) }
}
