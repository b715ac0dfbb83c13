public import Ratings
public import Recommender

/// Reduces what users say of movies, in the order of the log, to the ratings in force, by the rules
/// that the user stage folds by (`RatingStatement`).
///
/// The statements are sorted by time instead of folded, which takes far less memory. Where the time
/// alone does not decide, because several have the same or one was taken back by name, they are
/// asked for a second time, and those few users and movies are folded.
public struct RatingReduction: ~Copyable {
  private struct Fold {
    var standing: UserRating?
    var retractions = Retractions()
  }

  private var log = RatingLog()
  /// What must be folded.
  private var undecided: [RatedPair: Fold] = [:]

  public init() {}

  /// Takes the next statement.
  public mutating func take(_ statement: RatingStatement) {
    log.append(
      user: statement.user, movie: statement.movie, rating: statement.said.rating,
      timeMilliseconds: statement.said.timeMilliseconds)
    if statement.retracts != nil {
      undecided[RatedPair(user: statement.user, movie: statement.movie)] = Fold()
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
    let matrix = log.finish(onTie: { undecided[$0] = Fold() })
    guard !undecided.isEmpty else { return matrix }
    try again { Self.fold($0, into: &undecided) }
    let decided = undecided.mapValues { $0.standing?.timed }
    guard decided.contains(where: { matrix.rating(of: $0.key) != $0.value }) else { return matrix }
    return matrix.replacing(decided)
  }

  private static func fold(_ statement: RatingStatement, into undecided: inout [RatedPair: Fold]) {
    let pair = RatedPair(user: statement.user, movie: statement.movie)
    guard var fold = undecided[pair] else { return }
    var statement = statement
    _ = fold.retractions.take(&statement)
    let isRetracted = fold.retractions.contains(statement.said.source)
    switch statement.effect(on: fold.standing, isRetracted: isRetracted) {
    case .change(let new), .repeated(let new): fold.standing = new
    case .late: break
    }
    undecided[pair] = fold
  }
}
