/// How a list of movies is made.
public enum RecommendationStrategy: String, Sendable {
  /// By the model, from the user's ratings.
  case personal
  /// By quality score: the same for everyone, except for the movies they have rated.
  case popular

  var name: StaticString {
    switch self {
    case .personal: "personal"
    case .popular: "popular"
    }
  }
}

/// Why a list is not personal, or is empty.
public enum RecommendationReason: String, Sendable {
  /// No complete model is promoted.
  case noModel = "no_model"
  /// The user has no ratings.
  case noRatings = "no_ratings"
  /// The model knows none of the movies that the user has rated.
  case noKnownMovies = "no_known_movies"
  /// The model's equations for the user's ratings have no solution.
  case unsolvable
  /// No movie is left to recommend, or none has one of the requested genres.
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
