import Ratings

/// Ratings split for an evaluation: what a model is trained on, what is known of the scored users,
/// and their ratings that are held out.
public struct HoldOut: Sendable {
  /// A held-out rating against its user's mean in `known`.
  enum Opinion: Sendable {
    /// At the mean or above it.
    case liked
    case neither
    /// A star or more below it.
    case disliked
  }

  /// A rating to hold out.
  struct HeldOut {
    var user: Int64
    var movie: Int64
    var rating: HalfStars
  }

  /// The ratings the model is trained on.
  public let training: RatingMatrix
  /// The ratings that the scored users are folded in from.
  public let known: RatingMatrix
  /// Where the held-out movies of each user of `known` begin, then where the last user's end.
  private let starts: [Int]
  /// Indices into `training.movies`, rising for each user.
  private let movies: [Int32]
  private let opinions: [Opinion]
  /// The moment that lists are made for, in milliseconds since 1970; `nil` for that of each user's
  /// last rating.
  public let moment: Int64?

  /// - Parameters:
  ///   - heldOut: by rising user. Those whose user is not in `known` or whose movie is not in
  ///     `training` are dropped.
  init(training: RatingMatrix, known: RatingMatrix, heldOut: [HeldOut], moment: Int64? = nil) {
    self.training = training
    self.known = known
    self.moment = moment
    let index = RowIndex(training.movies)
    var starts = [0]
    var movies: [Int32] = []
    var opinions: [Opinion] = []
    var own: [(movie: Int32, opinion: Opinion)] = []
    var next = 0
    for (number, user) in known.users.enumerated() {
      while next < heldOut.count, heldOut[next].user < user { next += 1 }
      own.removeAll(keepingCapacity: true)
      let mean = known.meanStars(ofUser: number)
      while next < heldOut.count, heldOut[next].user == user {
        if let row = index.row(of: heldOut[next].movie, in: training.movies) {
          let above = heldOut[next].rating.stars - mean
          own.append((Int32(row), above >= 0 ? .liked : above <= -1 ? .disliked : .neither))
        }
        next += 1
      }
      own.sort { $0.movie < $1.movie }
      movies += own.map(\.movie)
      opinions += own.map(\.opinion)
      starts.append(movies.count)
    }
    self.starts = starts
    self.movies = movies
    self.opinions = opinions
  }

  /// The same for a part of the scored users, spread evenly over all of them.
  ///
  /// - Parameter most: how many users at most.
  func sample(of most: Int) -> HoldOut {
    let scored = known.users.indices.filter { !heldOut(ofUser: $0).isEmpty }
    guard scored.count > most else { return self }
    let chosen = (0..<most).map { scored[$0 * scored.count / most] }
    var isChosen = [Bool](repeating: false, count: known.users.count)
    for user in chosen { isChosen[user] = true }
    return HoldOut(self, users: chosen, known: known.filter { user, _ in isChosen[user] })
  }

  /// - Parameters:
  ///   - users: of `whole.known`, rising; all of them have ratings in it.
  ///   - known: theirs.
  private init(_ whole: HoldOut, users: [Int], known: RatingMatrix) {
    training = whole.training
    moment = whole.moment
    self.known = known
    var starts = [0]
    var movies: [Int32] = []
    var opinions: [Opinion] = []
    for user in users {
      movies += whole.heldOut(ofUser: user)
      opinions += whole.opinions(ofUser: user)
      starts.append(movies.count)
    }
    self.starts = starts
    self.movies = movies
    self.opinions = opinions
  }

  /// A user's held-out movies, as rising indices into `training.movies`.
  public func heldOut(ofUser user: Int) -> ArraySlice<Int32> {
    movies[starts[user]..<starts[user + 1]]
  }

  /// What the user thought of each.
  func opinions(ofUser user: Int) -> ArraySlice<Opinion> {
    opinions[starts[user]..<starts[user + 1]]
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
    var heldOut: [HeldOut] = []
    for user in kept.users.indices {
      for index in kept.range(ofUser: user) where isHeldOut[index] {
        let rating = kept.rating(index)
        heldOut.append(
          HeldOut(
            user: kept.users[user], movie: kept.movies[rating.movie], rating: rating.rating))
      }
    }
    let training = kept.filter { _, index in !isHeldOut[index] }
    self.init(
      training: training, known: training, heldOut: heldOut,
      moment: split == .global ? training.newestMilliseconds : nil)
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
