public import Codecs

/// One kind of entity's features as data: what projections, schemas and documents iterate over.
public struct FeatureSchema: Sendable {
  /// The view's name in Feast.
  public let name: String
  /// The entity's key, an int64.
  public let joinKey: StaticString
  /// In the order of `FeatureRow.value(_:)`.
  public let features: [Feature]

  /// One feature of a view.
  public struct Feature: Sendable {
    /// The feature's name in Feast.
    public let name: String
    /// The feature's key in JSON records: the name, but times end in `_ms`.
    public let key: StaticString
    public let type: FeatureType

    init(_ key: StaticString, _ type: FeatureType, name: String? = nil) {
      self.name = name ?? key.description
      self.key = key
      self.type = type
    }
  }

  /// The user's features.
  public static let user = FeatureSchema(
    name: "user_features", joinKey: "user_id",
    features: RatingFeatures.features + [
      Feature("favorite_genre", .string),
      Feature("favorite_genre_count", .int64),
      Feature("favorite_genre_mean", .double),
    ])

  /// The movie's features.
  public static let movie = FeatureSchema(
    name: "movie_features", joinKey: "movie_id",
    features: RatingFeatures.features + [
      Feature("popularity_score", .double),
      Feature("quality_score", .double),
    ])

  /// The keys of a JSON record of this view, in its order.
  var recordKeys: [StaticString] {
    [joinKey] + features.map(\.key) + ["version", "event_time_ms"]
  }
}

/// A feature's type, named as in Feast.
public enum FeatureType: String, Sendable {
  case int64
  case double
  case string
  /// Seconds since 1970 in Feast; milliseconds in JSON records.
  case unixTimestamp
}

/// A feature's value.
public enum FeatureValue: Hashable, Sendable {
  case int64(Int64)
  case double(Double)
  /// `nil` for no value.
  case string(String?)
  case unixTimestamp(milliseconds: Int64)
}

/// One entity's features.
public protocol FeatureRow: Sendable {
  static var view: FeatureSchema { get }
  /// The value of the join key.
  var entity: Int64 { get }
  /// The number of changes these features stand for.
  var version: UInt64 { get }
  /// The time of the last event applied, since 1970.
  var eventTimeMilliseconds: Int64 { get }
  /// The value of the view's feature with this index.
  func value(_ feature: Int) -> FeatureValue
}

extension FeatureRow {
  /// Writes the record of `user-features` or `movie-features`: one flat object.
  public func write(to writer: inout JSONWriter) {
    let view = Self.view
    writer.beginObject()
    writer.key(view.joinKey)
    writer.integer(entity)
    for index in view.features.indices {
      writer.key(view.features[index].key)
      switch value(index) {
      case .int64(let value): writer.integer(value)
      case .double(let value): writer.double(value)
      case .string(let value?): writer.string(value)
      case .string(nil): writer.null()
      case .unixTimestamp(let milliseconds): writer.integer(milliseconds)
      }
    }
    writer.key("version")
    writer.integer(version)
    writer.key("event_time_ms")
    writer.integer(eventTimeMilliseconds)
    writer.endObject()
  }
}

/// The features that users and movies share. All of them are 0 without ratings.
public struct RatingFeatures: Hashable, Sendable {
  public var count: Int64
  /// In stars, like all the following up to `range`.
  public var mean: Double
  /// With divisor n - 1, as pandas computes it; 0 for one rating.
  public var sampleStandardDeviation: Double
  /// With divisor n.
  public var populationStandardDeviation: Double
  public var minimum: Double
  public var maximum: Double
  public var range: Double
  public var firstRatingMilliseconds: Int64
  public var lastRatingMilliseconds: Int64
  /// Whole days between the first and the last rating.
  public var daysActive: Int64
  /// Ratings within `RatingStatistics.recentDays`.
  public var recentCount: Int64

  public init(_ statistics: borrowing RatingStatistics) {
    count = Int64(statistics.count)
    mean = statistics.mean
    sampleStandardDeviation = statistics.sampleStandardDeviation
    populationStandardDeviation = statistics.populationStandardDeviation
    minimum = statistics.minimum?.stars ?? 0
    maximum = statistics.maximum?.stars ?? 0
    range = maximum - minimum
    firstRatingMilliseconds = statistics.firstRatingMilliseconds ?? 0
    lastRatingMilliseconds = statistics.lastRatingMilliseconds ?? 0
    daysActive = statistics.daysActive
    recentCount = Int64(statistics.recentCount)
  }

  static let features: [FeatureSchema.Feature] = [
    .init("rating_count", .int64),
    .init("rating_mean", .double),
    .init("rating_std", .double),
    .init("rating_std_population", .double),
    .init("rating_min", .double),
    .init("rating_max", .double),
    .init("rating_range", .double),
    .init("first_rating_ms", .unixTimestamp, name: "first_rating_time"),
    .init("last_rating_ms", .unixTimestamp, name: "last_rating_time"),
    .init("days_active", .int64),
    .init("recent_rating_count", .int64),
  ]
  static let featureCount = 11

  func value(_ feature: Int) -> FeatureValue {
    switch feature {
    case 0: .int64(count)
    case 1: .double(mean)
    case 2: .double(sampleStandardDeviation)
    case 3: .double(populationStandardDeviation)
    case 4: .double(minimum)
    case 5: .double(maximum)
    case 6: .double(range)
    case 7: .unixTimestamp(milliseconds: firstRatingMilliseconds)
    case 8: .unixTimestamp(milliseconds: lastRatingMilliseconds)
    case 9: .int64(daysActive)
    case 10: .int64(recentCount)
    default: preconditionFailure("there is no feature \(feature)")
    }
  }

  /// Reads the shared features of a record; they follow its join key.
  init(_ record: borrowing FeatureRecordParser) throws(RecordError) {
    count = try record.integer(0)
    mean = try record.double(1)
    sampleStandardDeviation = try record.double(2)
    populationStandardDeviation = try record.double(3)
    minimum = try record.double(4)
    maximum = try record.double(5)
    range = try record.double(6)
    firstRatingMilliseconds = try record.integer(7)
    lastRatingMilliseconds = try record.integer(8)
    daysActive = try record.integer(9)
    recentCount = try record.integer(10)
  }
}

/// Reads records of one view.
struct FeatureRecordParser: ~Copyable, Sendable {
  private var parser: FlatJSONParser
  private let view: FeatureSchema

  init(_ view: FeatureSchema) {
    self.view = view
    parser = FlatJSONParser(fields: view.recordKeys)
  }

  mutating func parse(_ value: RawSpan) throws(RecordError) {
    try parser.parseRecord(value)
  }

  func entity() throws(RecordError) -> Int64 {
    try parser.require(view.joinKey, parser.integer(0))
  }

  func integer(_ feature: Int) throws(RecordError) -> Int64 {
    try parser.require(view.features[feature].key, parser.integer(feature + 1))
  }

  func double(_ feature: Int) throws(RecordError) -> Double {
    try parser.require(view.features[feature].key, parser.double(feature + 1))
  }

  func string(_ feature: Int) throws(RecordError) -> String? {
    if parser.kind(feature + 1) == .null { return nil }
    return try parser.require(view.features[feature].key, parser.string(feature + 1))
  }

  func version() throws(RecordError) -> UInt64 {
    let version = parser.integer(view.features.count + 1).flatMap { UInt64(exactly: $0) }
    return try parser.require("version", version)
  }

  func eventTime() throws(RecordError) -> Int64 {
    try parser.require("event_time_ms", parser.integer(view.features.count + 2))
  }
}
