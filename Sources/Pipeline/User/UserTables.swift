public import StateStore

/// The tables of the user stage's stores. Their numbers are part of the changelog's format.
public enum UserTables {
  /// user → `UserAggregate`
  public static let aggregates = Table(rawValue: 1)
  /// (user, movie) → `UserRating`
  public static let ratings = Table(rawValue: 2)
  /// the one entry "genres" → `GenreDictionary`
  public static let genres = Table(rawValue: 3)
  /// partition of `user-ratings` → `SourcePosition` of its newest event in the state
  public static let sources = Table(rawValue: 4)

  /// The key of the one entry of `genres`.
  static let genresKeyText = "genres"
  public static let genresKey: [UInt8] = Array(genresKeyText.utf8)
}
