public import Codecs

// The natural logarithm comes from the C library.
#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#else
  import Darwin
#endif

/// One movie's features: the record of `movie-features`.
public struct MovieFeatures: FeatureRow, Hashable {
  public var movie: Int64
  public var ratings: RatingFeatures
  /// ln(1 + count).
  public var popularityScore: Double
  /// The Bayesian average; see `CatalogPrior.quality`.
  public var qualityScore: Double
  public var version: UInt64
  public var eventTimeMilliseconds: Int64

  public init(
    movie: Int64, aggregate: borrowing MovieAggregate, prior: CatalogPrior,
    eventTimeMilliseconds: Int64
  ) {
    self.movie = movie
    ratings = RatingFeatures(aggregate.statistics)
    popularityScore = log(1 + Double(ratings.count))
    qualityScore = prior.quality(of: aggregate.statistics)
    version = aggregate.version
    self.eventTimeMilliseconds = eventTimeMilliseconds
  }

  fileprivate init(_ record: borrowing FeatureRecordParser) throws(RecordError) {
    let own = RatingFeatures.featureCount
    movie = try record.entity()
    ratings = try RatingFeatures(record)
    popularityScore = try record.double(own)
    qualityScore = try record.double(own + 1)
    version = try record.version()
    eventTimeMilliseconds = try record.eventTime()
  }

  public static var view: FeatureSchema { .movie }
  public var entity: Int64 { movie }

  public func value(_ feature: Int) -> FeatureValue {
    switch feature - RatingFeatures.featureCount {
    case 0: .double(popularityScore)
    case 1: .double(qualityScore)
    default: ratings.value(feature)
    }
  }
}

/// Reads records of `movie-features`.
public struct MovieFeaturesParser: ~Copyable, Sendable {
  private var parser = FeatureRecordParser(.movie)

  public init() {}

  public mutating func parse(_ value: RawSpan) throws(RecordError) -> MovieFeatures {
    try parser.parse(value)
    return try MovieFeatures(parser)
  }
}
