/// Ratings split for an evaluation: what a model is trained on, what is known of the scored users,
/// and their ratings that are held out.
public struct HoldOut: Sendable {
  /// The ratings the model is trained on.
  public let training: RatingMatrix
  /// The ratings that the scored users are folded in from.
  public let known: RatingMatrix
  /// Where the held-out movies of each user of `known` begin, then where the last user's end.
  private let starts: [Int]
  /// Indices into `training.movies`, rising for each user.
  private let movies: [Int32]

  /// - Parameters:
  ///   - heldOut: pairs of user and movie id, by rising user. Pairs whose user is not in `known` or
  ///     whose movie is not in `training` are dropped.
  init(training: RatingMatrix, known: RatingMatrix, heldOut: [(user: Int64, movie: Int64)]) {
    self.training = training
    self.known = known
    let index = RowIndex(training.movies)
    var starts = [0]
    var movies: [Int32] = []
    var next = 0
    for user in known.users {
      while next < heldOut.count, heldOut[next].user < user { next += 1 }
      let start = movies.count
      while next < heldOut.count, heldOut[next].user == user {
        if let row = index.row(of: heldOut[next].movie, in: training.movies) {
          movies.append(Int32(row))
        }
        next += 1
      }
      movies[start...].sort()
      starts.append(movies.count)
    }
    self.starts = starts
    self.movies = movies
  }

  /// A user's held-out movies, as rising indices into `training.movies`.
  public func heldOut(ofUser user: Int) -> ArraySlice<Int32> {
    movies[starts[user]..<starts[user + 1]]
  }

  /// How many ratings are held out.
  public var count: Int { movies.count }

  /// How many users have a held-out rating.
  public var scoredUsers: Int {
    known.users.indices.count { !heldOut(ofUser: $0).isEmpty }
  }
}

/// How ratings are split by time into an older part to train on and a newer one to hold out.
public enum ChronologicalSplit: String, Sendable, CaseIterable {
  /// Splits each user's ratings.
  case perUser = "per-user"
  /// Splits all ratings at one time.
  case global
}

extension HoldOut {
  /// Holds out the newest fifth. Only users and movies that are also in the older part are scored.
  ///
  /// - Parameter minimumRatings: users with fewer, and then movies with fewer, are left out of both
  ///   parts.
  public init(_ ratings: RatingMatrix, split: ChronologicalSplit, minimumRatings: Int = 5) {
    let isActive = ratings.users.indices.map { ratings.range(ofUser: $0).count >= minimumRatings }
    var counts = [Int](repeating: 0, count: ratings.movies.count)
    for user in ratings.users.indices where isActive[user] {
      for index in ratings.range(ofUser: user) { counts[Int(ratings.columns[index])] += 1 }
    }
    let kept = ratings.filter { user, index in
      isActive[user] && counts[Int(ratings.columns[index])] >= minimumRatings
    }
    let isHeldOut =
      switch split {
      case .perUser: Self.newestOfUsers(kept)
      case .global: Self.newestOfAll(kept)
      }
    var heldOut: [(user: Int64, movie: Int64)] = []
    for user in kept.users.indices {
      for index in kept.range(ofUser: user) where isHeldOut[index] {
        heldOut.append((kept.users[user], kept.movies[Int(kept.columns[index])]))
      }
    }
    let training = kept.filter { _, index in !isHeldOut[index] }
    self.init(training: training, known: training, heldOut: heldOut)
  }

  /// The share of ratings that counts as older; the rest is held out.
  private static let olderShare = 0.8

  private static func newestOfUsers(_ ratings: RatingMatrix) -> [Bool] {
    var isHeldOut = [Bool](repeating: false, count: ratings.count)
    for user in ratings.users.indices {
      let range = ratings.range(ofUser: user)
      for (place, index) in range.enumerated() {
        isHeldOut[index] = Double(place) >= Double(range.count) * olderShare
      }
    }
    return isHeldOut
  }

  private static func newestOfAll(_ ratings: RatingMatrix) -> [Bool] {
    // Equal times stay in the order of users, as in a file sorted by user.
    var order = (0..<ratings.count).map { (time: ratings.rating($0).timeMilliseconds, index: $0) }
    order.sort { a, b in a.time != b.time ? a.time < b.time : a.index < b.index }
    var isHeldOut = [Bool](repeating: false, count: ratings.count)
    for place in Int(Double(ratings.count) * olderShare)..<ratings.count {
      isHeldOut[order[place].index] = true
    }
    return isHeldOut
  }
}
