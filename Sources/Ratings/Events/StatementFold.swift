/// What is said of one user and movie, folded in memory. The user stage folds the same in its
/// tables.
public struct StatementFold: Hashable, Sendable {
  /// What stands.
  public private(set) var standing: UserRating?
  private var keptOut = KeptOut()
  private var retractions = Retractions()

  public init() {}

  /// Takes the next statement.
  @discardableResult
  public mutating func take(_ statement: RatingStatement) -> RatingEffect {
    var statement = statement
    _ = retractions.take(&statement)
    let isRetracted = retractions.contains(statement.said.source)
    let effect = statement.effect(
      on: standing, isRetracted: isRetracted,
      runnerUp: statement.retracts(standing) ? keptOut.newest(besides: retractions) : nil)
    if !isRetracted, let loser = statement.loser(to: standing, effect) { keptOut.insert(loser) }
    if let new = effect.standing { standing = new }
    return effect
  }
}
