import Recommender

/// The output of `train --json`.
struct TrainingSummary: Encodable {
  var version: String?
  var published = false
  var promoted = false
  var deleted: [String] = []
  var trainedTo: [Int64] = []
  var users: Int?
  var movies: Int?
  var ratings: Int?
  /// Per rating, after each epoch.
  var losses: [Double] = []
  private var evaluation: Evaluation?

  private struct Evaluation: Encodable {
    var usersScored: Int
    var ratingsHeldOut: Int
    var model: [String: Double]
    var popularity: [String: Double]

    private enum CodingKeys: String, CodingKey {
      case model, popularity
      case usersScored = "users_scored"
      case ratingsHeldOut = "ratings_held_out"
    }
  }

  private enum CodingKeys: String, CodingKey {
    case version, published, promoted, deleted, users, movies, ratings, losses, evaluation
    case trainedTo = "trained_to"
  }

  init(_ run: EvaluationRun?) {
    guard let run else { return }
    evaluation = Evaluation(
      usersScored: run.usersScored, ratingsHeldOut: run.ratingsHeldOut, model: [:],
      popularity: [:])
    for measure in run.measures {
      evaluation?.model[measure.name] = measure.model
      evaluation?.popularity[measure.name] = measure.popularity
    }
  }

  mutating func describe(_ metadata: ModelMetadata, losses: [Double]) {
    version = metadata.version
    trainedTo = metadata.trainedTo
    users = metadata.users
    movies = metadata.movies
    ratings = metadata.ratings
    self.losses = losses
  }
}
