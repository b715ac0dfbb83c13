public import Codecs

/// One user's features: the record of `user-features`.
public struct UserFeatures: FeatureRow, Hashable {
  public var user: Int64
  public var ratings: RatingFeatures
  /// The genre with the most ratings, the first by name on a tie; `nil` without genres.
  public var favoriteGenre: String?
  public var favoriteGenreCount: Int64
  /// The mean of the ratings in that genre, in stars; 0 without genres.
  public var favoriteGenreMean: Double
  public var version: UInt64
  public var eventTimeMilliseconds: Int64

  public init(
    user: Int64, aggregate: borrowing UserAggregate, genres: borrowing GenreDictionary,
    eventTimeMilliseconds: Int64
  ) {
    self.user = user
    ratings = RatingFeatures(aggregate.statistics)
    let favorite = aggregate.genres.favorite(in: genres)
    favoriteGenre = favorite?.name
    favoriteGenreCount = Int64(favorite?.count ?? 0)
    favoriteGenreMean = favorite?.mean ?? 0
    version = aggregate.version
    self.eventTimeMilliseconds = eventTimeMilliseconds
  }

  fileprivate init(_ record: borrowing FeatureRecordParser) throws(RecordError) {
    let own = RatingFeatures.featureCount
    user = try record.entity()
    ratings = try RatingFeatures(record)
    favoriteGenre = try record.string(own)
    favoriteGenreCount = try record.integer(own + 1)
    favoriteGenreMean = try record.double(own + 2)
    version = try record.version()
    eventTimeMilliseconds = try record.eventTime()
  }

  public static var view: FeatureSchema { .user }
  public var entity: Int64 { user }

  public func value(_ feature: Int) -> FeatureValue {
    switch feature - RatingFeatures.featureCount {
    case 0: .string(favoriteGenre)
    case 1: .int64(favoriteGenreCount)
    case 2: .double(favoriteGenreMean)
    default: ratings.value(feature)
    }
  }
}

/// Reads records of `user-features`.
public struct UserFeaturesParser: ~Copyable, Sendable {
  private var parser = FeatureRecordParser(.user)

  public init() {}

  public mutating func parse(_ value: RawSpan) throws(RecordError) -> UserFeatures {
    try parser.parse(value)
    return try UserFeatures(parser)
  }
}
