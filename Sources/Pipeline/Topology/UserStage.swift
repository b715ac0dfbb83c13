public import Streams

extension StageDeclaration {
  /// Folds each user's ratings into features.
  public static let user = StageDeclaration(
    "user", inputs: [.validatedRatings],
    outputs: [
      Output(.userFeatures), Output(.ratingsByMovie),
      Output(.validationResults, note: "a rating that repeats the one in force"),
    ],
    lookups: [.userRatings],
    tables: [
      TableDeclaration(
        UserTables.aggregates, "aggregates", keys: .identifier, values: .userAggregate,
        "user: statistics of all ratings"),
      TableDeclaration(
        UserTables.ratings, "ratings", keys: .pair, values: .userRating, "user/movie: the rating"),
      TableDeclaration(
        UserTables.genres, "genres", keys: .text(UserTables.genresKeyText), values: .genres,
        "genres: their names by number"),
      TableDeclaration(
        UserTables.sources, "sources", keys: .identifier, values: .source,
        "partition of user-ratings: its newest event"),
    ],
    isReplayable: true,
    // Without transactions a batch is only what is acknowledged together; predict reads what is
    // committed.
    pacing: StagePacing(
      linger: StagePacing.ByGuarantee(exactlyOnce: .zero, atLeastOnce: .milliseconds(20)),
      niceness: 5))
}

enum UserOutputs {
  static let features = StageDeclaration.user.output(.userFeatures)
  static let changes = StageDeclaration.user.output(.ratingsByMovie)
  static let verdicts = StageDeclaration.user.output(.validationResults)
}
