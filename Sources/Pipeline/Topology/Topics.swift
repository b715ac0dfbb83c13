public import Streams

/// The product's topics. `topics/` describes each, and has the schema of its keys and values.
extension TopicDeclaration {
  /// What users did, as it came from anywhere.
  public static let userRatings = TopicDeclaration(
    "user-ratings", .shared, partitions: byUser, acceptsAnyPartitionCount: true,
    outsideWriters: ["users", "`projectionist load`"])
  /// The catalog.
  public static let movies = TopicDeclaration(
    "movies", .shared, partitions: .fixed(1), acceptsAnyPartitionCount: true,
    outsideWriters: ["users", "`projectionist load`"])
  /// Trained models, and which of them serves.
  public static let models = TopicDeclaration(
    "models", .shared, partitions: .fixed(1), acceptsAnyPartitionCount: true,
    outsideWriters: ["train", "models"])

  public static let validatedRatings = TopicDeclaration("validated-ratings", partitions: byUser)
  /// The verdict on each event.
  public static let validationResults = TopicDeclaration(
    "validation-results", partitions: .fixed(1), acceptsAnyPartitionCount: true)
  public static let deadLetters = TopicDeclaration(
    "user-ratings-dlq", partitions: byUser, acceptsAnyPartitionCount: true)
  /// How each rating changed.
  public static let ratingsByMovie = TopicDeclaration("ratings-by-movie", partitions: byMovie)
  public static let userFeatures = TopicDeclaration("user-features", partitions: byUser)
  public static let movieFeatures = TopicDeclaration("movie-features", partitions: byMovie)

  public static let requests = TopicDeclaration(
    "recommendation-requests", .shared, partitions: byUser, outsideWriters: ["users"])
  public static let recommendations = TopicDeclaration(
    "recommendations", .shared, partitions: byUser, acceptsAnyPartitionCount: true)
  /// What the shadow model would have answered.
  public static let shadow = TopicDeclaration(
    "recommendations-shadow", .shared, partitions: byUser, acceptsAnyPartitionCount: true)

  /// Which application the topics belong to, and the settings its intake judges by. With another
  /// name there would be a second claim on the same topics.
  public static let control = TopicDeclaration(
    "projectionist-control", .shared, partitions: .fixed(1), acceptsAnyPartitionCount: true,
    outsideWriters: ["run (its first start)", "`projectionist topics claim`"])

  /// Keyed by user, or by who asks for one; named as the setting that counts them.
  public static let byUser = Partitions.group("topics.partitions")
  /// Keyed by movie.
  public static let byMovie = Partitions.group("topics.movie_partitions")
}
