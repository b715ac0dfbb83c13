/// The names of the product's topics.
public enum Topics {
  public static let userRatings = "user-ratings"
  public static let validatedRatings = "validated-ratings"
  public static let validationResults = "validation-results"
  public static let deadLetters = "user-ratings-dlq"
  public static let ratingsByMovie = "ratings-by-movie"
  public static let userFeatures = "user-features"
  public static let movieFeatures = "movie-features"
  public static let movies = "movies"
  public static let models = "models"
  public static let requests = "recommendation-requests"
  public static let recommendations = "recommendations"
  public static let shadow = "recommendations-shadow"

  public static func userChangelog(_ application: String) -> String {
    "\(application)-user-changelog"
  }

  public static func movieChangelog(_ application: String) -> String {
    "\(application)-movie-changelog"
  }

  /// Whether a topic is one of the product's, in which nothing but what it is for may stand.
  static func areOurs(_ name: String, of application: String) -> Bool {
    shared.contains(name) || name == userChangelog(application)
      || name == movieChangelog(application)
  }

  private static let shared: Set<String> = [
    userRatings, validatedRatings, validationResults, deadLetters, ratingsByMovie, userFeatures,
    movieFeatures, movies, models, requests, recommendations, shadow,
  ]
}

/// The stages, by the names that make their consumer groups.
public enum StageName: String, Sendable, CaseIterable {
  case intake
  case user
  case movie
  case redis
  case predict

  /// Whether it has a store and a changelog of its own.
  public var isStateful: Bool { self == .user || self == .movie }

  /// The stages that a rating goes through before it comes to this one.
  public var upstream: [StageName] {
    switch self {
    case .intake, .predict: []
    case .user: [.intake]
    case .movie: [.intake, .user]
    case .redis: [.intake, .user, .movie]
    }
  }
}
