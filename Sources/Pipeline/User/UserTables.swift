public import StateStore

/// The tables of the user stage's stores. Their numbers are part of the changelog's format.
public enum UserTables {
  /// user → `UserAggregate`
  public static let aggregates = Table(rawValue: 1)
  /// (user, movie) → `UserRating`
  public static let ratings = Table(rawValue: 2)
  /// the one entry "genres" → `GenreDictionary`
  public static let genres = Table(rawValue: 3)
  /// partition of `user-ratings` → `SourcePosition`. Only states of earlier versions have entries;
  /// they go when the state is folded again.
  public static let sources = Table(rawValue: 4)
  /// (user, movie) → `Retractions`
  public static let retractions = Table(rawValue: 5)

  // While the state of an earlier version is folded again; see `UserRefold`.

  /// the one entry "refold" → `RefoldProgress`
  public static let refold = Table(rawValue: 6)
  /// user → `UserAggregate` by the new rules
  public static let refoldAggregates = Table(rawValue: 7)
  /// (user, movie) → `UserRating` that the movie stage has counted, where another one stands by the
  /// new rules
  public static let refoldCounted = Table(rawValue: 8)

  /// (user, movie) → `KeptOut`
  public static let keptOut = Table(rawValue: 9)

  /// The key of the one entry of `genres`.
  static let genresKeyText = "genres"
  public static let genresKey: [UInt8] = Array(genresKeyText.utf8)
  /// The key of the one entry of `refold`.
  static let refoldKeyText = "refold"
  public static let refoldKey: [UInt8] = Array(refoldKeyText.utf8)
}
