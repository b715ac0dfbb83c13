public import Ratings
public import Recommender

/// Reduces what users say of movies, in the order of the log, to the ratings in force, by the rules
/// that the user stage folds by (`RatingStatement`).
///
/// The statements are sorted by time instead of folded, which takes far less memory. Where the time
/// alone does not decide, because several have the same or one was taken back by name, they are
/// asked for a second time, and those few users and movies are folded.
public struct RatingReduction: ~Copyable {
  private var log = RatingLog()
  /// What must be folded.
  private var undecided: [RatedPair: StatementFold] = [:]

  public init() {}

  /// Takes the next statement.
  public mutating func take(_ statement: RatingStatement) {
    log.append(
      user: statement.user, movie: statement.movie, rating: statement.said.rating,
      timeMilliseconds: statement.said.timeMilliseconds)
    if statement.retracts != nil {
      undecided[RatedPair(user: statement.user, movie: statement.movie)] = StatementFold()
    }
  }

  /// The ratings that count, once everything is taken.
  ///
  /// - Parameter again: passes every statement once more, in the same order; not called where the
  ///   times decide.
  public consuming func finish<Failure: Error>(
    _ again: (_ take: (RatingStatement) -> Void) throws(Failure) -> Void
  ) throws(Failure) -> RatingMatrix {
    var undecided = undecided
    let matrix = log.finish(onTie: { undecided[$0] = StatementFold() })
    guard !undecided.isEmpty else { return matrix }
    try again { undecided[RatedPair(user: $0.user, movie: $0.movie)]?.take($0) }
    let decided = undecided.mapValues { $0.standing?.timed }
    guard decided.contains(where: { matrix.rating(of: $0.key) != $0.value }) else { return matrix }
    return matrix.replacing(decided)
  }
}
