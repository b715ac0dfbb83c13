import ArgumentParser
import Foundation

/// What a data command has done, for `--json`.
struct DataSummary: Encodable {
  var movies = 0
  var ratings = 0
  /// Of the ratings: generated to fail validation.
  var invalid = 0
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
    case seconds
    case ratingsPerSecond = "ratings_per_second"
  }
}

/// Which key ratings are produced with.
enum RatingKey: String, ExpressibleByArgument, CaseIterable {
  /// The user's id: all ratings of a user keep their order.
  case user
  /// Null, as from kafka-console-producer.
  case none
}

/// A part of a whole on the command line: `1%` or `0.01`.
struct Share: ExpressibleByArgument, Equatable {
  var value: Double

  init(_ value: Double) {
    self.value = value
  }

  init?(argument: String) {
    let isPercent = argument.hasSuffix("%")
    guard let number = Double(isPercent ? String(argument.dropLast()) : argument) else {
      return nil
    }
    value = isPercent ? number / 100 : number
    guard (0...1).contains(value) else { return nil }
  }

  var defaultValueDescription: String { String(format: "%g%%", value * 100) }
}
