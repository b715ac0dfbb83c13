import EventLog
import Foundation
import KafkaLog
import Pipeline
import Ratings
import SampleData
import Streams

/// Rates movies as a user's application would: one event at a time, now. Belongs to one thread.
final class RatingProducer {
  private static let timeout = Duration.seconds(10)
  private let producer: KafkaProducer

  init(_ log: KafkaLog, _ topology: Topology, clientID: String) throws(LogError) {
    producer = try log.makeProducer(
      ProducerConfiguration(
        topics: [topology[.userRatings]], delivery: .idempotent, clientID: clientID))
  }

  func close() { producer.close() }

  /// Queues a rating with the time of day as its event time; it is on its way at once.
  func rate(user: Int64, movie: Int64, rating: HalfStars?) throws(LogError) {
    var key: [UInt8] = []
    var value: [UInt8] = []
    EventText.appendKey(user, to: &key)
    EventText.appendRating(
      user: user, movie: movie, rating: rating,
      timeMilliseconds: Int64(Date().timeIntervalSince1970 * 1000), to: &value)
    try producer.send(topic: 0, key: key.span.bytes, value: value.span.bytes)
  }

  /// Returns once all ratings are stored.
  func flush() throws(LogError) { try producer.flush(timeout: Self.timeout) }
}
