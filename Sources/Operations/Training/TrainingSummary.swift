import Recommender

/// The output of `train --json`.
package struct TrainingSummary: Encodable {
  package var version: String?
  package var published = false
  package var promoted = false
  package var deleted: [String] = []
  var trainedTo: [Int64] = []
  package var users: Int?
  package var movies: Int?
  package var ratings: Int?
  /// Per rating, after each epoch.
  var losses: [Double] = []
  /// Those the model is trained with, by name; of an evaluation alone, those of its model.
  var settings: [String: String] = [:]
  /// What was tried to find them, in order.
  var search: [String] = []
  private var evaluation: Evaluation?
  private var weeks: [Week]?
  /// The replay, for people.
  package var replay: WeeklyRun? {
    didSet { weeks = replay?.weeks.map(Week.init) }
  }

  private struct Week: Encodable {
    let week: String
    let users: Int
    let retrained: Double
    let once: Double
    let popularity: Double

    init(_ week: WeeklyReplay.Week) {
      self.week = week.date
      users = week.users
      retrained = week.retrained
      once = week.once
      popularity = week.popularity
    }
  }

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
    case settings, search, weeks
    case trainedTo = "trained_to"
  }

  package init(_ run: EvaluationRun?) {
    guard let run else { return }
    evaluation = Evaluation(
      usersScored: run.usersScored, ratingsHeldOut: run.ratingsHeldOut, model: [:],
      popularity: [:])
    for measure in run.measures {
      evaluation?.model[measure.name] = measure.model
      evaluation?.popularity[measure.name] = measure.popularity
    }
    describeSettings(run.model.model.metadata)
  }

  mutating func describe(_ metadata: ModelMetadata, losses: [Double]) {
    version = metadata.version
    trainedTo = metadata.trainedTo
    users = metadata.users
    movies = metadata.movies
    ratings = metadata.ratings
    self.losses = losses
    describeSettings(metadata)
  }

  private mutating func describeSettings(_ metadata: ModelMetadata) {
    settings = Dictionary(
      metadata.parameters.settings.map { ($0.name.replacing(" ", with: "_"), $0.value) },
      uniquingKeysWith: { first, _ in first })
    search = metadata.search.map(\.description)
  }
}
