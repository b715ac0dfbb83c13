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

  /// What the scores of such a list are, as replies name it.
  public var scoreType: ScoreType {
    switch self {
    case .personal: .model
    case .popular: .stars
    }
  }
}

/// What a score is.
public enum ScoreType: String, Sendable {
  /// The model's: higher is better, only to be compared within one list.
  case model
  /// The quality score: an expected rating in stars.
  case stars

  var name: StaticString {
    switch self {
    case .model: "model"
    case .stars: "stars"
    }
  }
}

/// Why a list is empty, not personal, or shorter than asked for: the first of these that is so.
public enum RecommendationReason: String, Sendable {
  /// The list is empty: there is no movie that may be recommended to anybody.
  case noMovies = "no_movies"
  /// The list is empty: no movie that may be recommended has one of the requested genres.
  case noMatchingMovies = "no_matching_movies"
  /// The list is empty, or a personal one shorter than asked for, because the user has rated the
  /// others or they lack the requested genres.
  case noMoreMovies = "no_more_movies"
  /// No complete model is promoted.
  case noModel = "no_model"
  /// The user has no ratings.
  case noRatings = "no_ratings"
  /// The model neither knows any of the movies that the user has rated nor can place one by its
  /// genres.
  case noKnownMovies = "no_known_movies"
  /// The model's numbers are too large for the user's ratings.
  case unsolvable

  var name: StaticString {
    switch self {
    case .noMovies: "no_movies"
    case .noMatchingMovies: "no_matching_movies"
    case .noModel: "no_model"
    case .noRatings: "no_ratings"
    case .noKnownMovies: "no_known_movies"
    case .unsolvable: "unsolvable"
    case .noMoreMovies: "no_more_movies"
    }
  }
}
