/// How a list of movies was made.
public enum RecommendationStrategy: String, Sendable {
  /// By the model, from what the user has rated.
  case personal
  /// By quality score, the same for everyone but for what they have rated.
  case popular

  var name: StaticString {
    switch self {
    case .personal: "personal"
    case .popular: "popular"
    }
  }
}

/// Why a list is not the user's own, or is empty.
public enum RecommendationReason: String, Sendable {
  /// No complete model is promoted.
  case noModel = "no_model"
  /// The user has no ratings.
  case noRatings = "no_ratings"
  /// The model knows none of the movies that the user has rated.
  case noKnownMovies = "no_known_movies"
  /// The model's equations for the user's ratings have no solution.
  case unsolvable
  /// No movie that may be recommended has one of the genres asked for, or none is left at all.
  case noMatchingMovies = "no_matching_movies"

  var name: StaticString {
    switch self {
    case .noModel: "no_model"
    case .noRatings: "no_ratings"
    case .noKnownMovies: "no_known_movies"
    case .unsolvable: "unsolvable"
    case .noMatchingMovies: "no_matching_movies"
    }
  }
}
