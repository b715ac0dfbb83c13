public import Streams

extension StageDeclaration {
  /// Folds the changes of ratings into features of movies.
  public static let movie = StageDeclaration(
    "movie", inputs: [.ratingsByMovie], outputs: [Output(.movieFeatures)],
    globals: [.movieFeatures], lookups: [.validatedRatings],
    tables: [
      TableDeclaration(
        MovieTables.aggregates, "aggregates", keys: .identifier, values: .movieAggregate,
        "movie: statistics of all ratings"),
      TableDeclaration(
        MovieTables.times, "times", keys: .pair, values: .times, "movie/block: times of ratings"),
      TableDeclaration(
        MovieTables.sources, "sources", keys: .identifier, values: .source,
        "partition of validated-ratings: its newest event"),
      TableDeclaration(
        MovieTables.corrections, "corrections", keys: .identifier, values: .source,
        "partition of validated-ratings: its newest correction"),
      TableDeclaration(
        MovieTables.takeBacks, "take_backs", keys: .pair, values: .takeBacks,
        "movie/~time: how many take-backs stand"),
    ],
    // A movie's features change a little with each rating; a user waits for their own.
    pacing: StagePacing(
      linger: .always(.milliseconds(250)), gathering: .always(.milliseconds(100)), niceness: 5))
}

enum MovieOutputs {
  static let features = StageDeclaration.movie.output(.movieFeatures)
}
