public import StateStore

/// The tables of the movie stage's stores. Their numbers are part of the changelog's format.
public enum MovieTables {
  /// movie → `MovieAggregate`
  public static let aggregates = Table(rawValue: 1)
  /// (movie, block number) → entries of `TimeJournal`
  public static let times = Table(rawValue: 2)
  /// partition of `validated-ratings` → `SourcePosition` of its newest event in the state
  public static let sources = Table(rawValue: 3)
  /// partition of `validated-ratings` → `SourcePosition` of its newest correction in the state, by
  /// number
  public static let corrections = Table(rawValue: 4)
  /// (movie, complement of the time in milliseconds) → how many take-backs of that time stand
  public static let takeBacks = Table(rawValue: 5)
}
