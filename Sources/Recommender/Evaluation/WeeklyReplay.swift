import Ratings

/// Replays a log: how good the lists would have been week by week, with a model that is trained
/// again every week, with one that is trained once, and with the most rated movies.
///
/// A list is made for the beginning of a week, from what was rated before, for everyone who has
/// rated before and in the week; what they rate in the week is held out.
public struct WeeklyReplay: Sendable {
  /// NDCG@10 in a week, a mean over its users.
  public struct Week: Hashable, Sendable {
    /// When it begins, in milliseconds since 1970.
    public var start: Int64
    public var users: Int
    public var retrained: Double
    public var once: Double
    public var popularity: Double
  }

  static let length: Int64 = 7 * 86_400_000

  private let ratings: RatingMatrix
  /// When the weeks begin; the last one ends with the newest rating.
  public let starts: [Int64]

  /// - Parameter weeks: how many of the last ones, at least 1.
  public init(_ ratings: RatingMatrix, weeks: Int) {
    precondition(weeks > 0)
    self.ratings = ratings
    let end = ratings.newestMilliseconds + 1
    starts = (1...weeks).reversed().map { end - Int64($0) * Self.length }
  }

  /// The ratings before a week.
  public func known(before start: Int64) -> RatingMatrix {
    ratings.filter { _, index in ratings.rating(index).timeMilliseconds < start }
  }

  /// What is held out in a week; `nil` if nobody can be scored in it.
  public func holdOut(in start: Int64, known: RatingMatrix) -> HoldOut? {
    var heldOut: [HoldOut.HeldOut] = []
    for user in ratings.users.indices {
      for index in ratings.range(ofUser: user) {
        let rating = ratings.rating(index)
        let time = rating.timeMilliseconds
        guard time >= start, time < start + Self.length else { continue }
        heldOut.append(
          HoldOut.HeldOut(
            user: ratings.users[user], movie: ratings.movies[rating.movie], rating: rating.rating))
      }
    }
    let active = Set(heldOut.map(\.user))
    let own = known.filter { user, _ in active.contains(known.users[user]) }
    let holdOut = HoldOut(training: known, known: own, heldOut: heldOut, moment: start)
    return holdOut.scoredUsers > 0 ? holdOut : nil
  }

  /// Scores a week.
  ///
  /// - Parameters:
  ///   - retrained: trained on the hold-out's training part.
  ///   - once: trained on a part of it.
  public func score(
    _ start: Int64, _ holdOut: HoldOut, retrained: FactorModel, once: FactorModel, threads: Int
  ) -> Week {
    func value(_ model: FactorModel) -> Double {
      let lists = model.recommendations(
        for: holdOut.known, at: holdOut.moment, count: 10, threads: threads)
      return holdOut.gain { user in
        lists.rows(ofUser: user).map { row in
          Int32(retrained.row(of: model.movies[Int(row)]) ?? -1)
        }
      }
    }
    let popular = holdOut.training.popular(for: holdOut.known, count: 10)
    return Week(
      start: start, users: holdOut.scoredUsers, retrained: value(retrained), once: value(once),
      popularity: holdOut.gain { Array(popular.rows(ofUser: $0)) })
  }
}

extension HoldOut {
  /// NDCG@10, a mean over the scored users.
  fileprivate func gain(_ list: (_ user: Int) -> [Int32]) -> Double {
    var sum = 0.0
    for user in known.users.indices where !heldOut(ofUser: user).isEmpty {
      sum += RankingMeasures(ranked: list(user), relevant: heldOut(ofUser: user)).ndcg(at: 10)
    }
    return sum / Double(max(scoredUsers, 1))
  }
}
