public import Streams

extension StageDeclaration {
  /// Folds each user's ratings into features.
  public static let user = StageDeclaration(
    "user", inputs: [.validatedRatings],
    outputs: [
      Output(.userFeatures), Output(.ratingsByMovie),
      Output(.validationResults, note: "an event that changes nothing"),
    ],
    tables: [
      TableDeclaration(
        UserTables.aggregates, "aggregates", keys: .identifier, values: .userAggregate,
        "user: statistics of all ratings"),
      TableDeclaration(
        UserTables.ratings, "ratings", keys: .pair, values: .userRating,
        "user/movie: the newest rating or take-back"),
      TableDeclaration(
        UserTables.genres, "genres", keys: .text(UserTables.genresKeyText), values: .genres,
        "genres: their names by number"),
      TableDeclaration(
        UserTables.sources, "sources", keys: .identifier, values: .source,
        "of an earlier version, until it is folded again"),
      TableDeclaration(
        UserTables.retractions, "retractions", keys: .pair, values: .retractions,
        "user/movie: events taken back by name"),
      TableDeclaration(
        UserTables.refold, "refold", keys: .text(UserTables.refoldKeyText), values: .refold,
        "refold: how far an earlier version's state is folded again"),
      TableDeclaration(
        UserTables.refoldAggregates, "refold_aggregates", keys: .identifier,
        values: .userAggregate, "user: statistics, until the state is folded again"),
      TableDeclaration(
        UserTables.refoldCounted, "refold_counted", keys: .pair, values: .userRating,
        "user/movie: what the movie stage has to be corrected of"),
      TableDeclaration(
        UserTables.keptOut, "kept_out", keys: .pair, values: .keptOut,
        "user/movie: what something newer keeps out, should that be taken back by name"),
    ],
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
