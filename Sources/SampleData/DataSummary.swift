import Foundation

/// What a data command has done, for `--json`.
package struct DataSummary: Encodable {
  var movies = 0
  var ratings = 0
  /// Of the ratings: generated to fail validation.
  var invalid = 0
  /// Rows of files that were left out because they break a rule.
  var skipped = 0
  var seconds = 0.0
  var ratingsPerSecond = 0.0

  mutating func finish(ratingsIn elapsed: Duration) {
    seconds = elapsed / .seconds(1)
    ratingsPerSecond = seconds > 0 ? Double(ratings) / seconds : 0
  }

  private enum CodingKeys: String, CodingKey {
    case movies
    case ratings
    case invalid
    case skipped
    case seconds
    case ratingsPerSecond = "ratings_per_second"
  }
}

/// Which key ratings are produced with.
package enum RatingKey: String, CaseIterable, Sendable {
  /// The user's id: all ratings of a user keep their order.
  case user
  /// Null, as from kafka-console-producer.
  case none
}
