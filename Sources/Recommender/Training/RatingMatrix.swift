public import Ratings

/// The ratings in force, by user and then by time: the newest one of each user and movie.
public struct RatingMatrix: Sendable {
  /// One rating of a user.
  public struct Rating: Hashable, Sendable {
    /// The movie's index in `movies`.
    public var movie: Int
    public var rating: HalfStars
    /// Event time since 1970.
    public var timeMilliseconds: Int64
  }

  /// Rising ids; only those with ratings.
  public let users: [Int64]
  /// Rising ids; only those with ratings.
  public let movies: [Int64]
  /// Where each user's ratings begin, then where the last user's end.
  let starts: [Int]
  /// Indices into `movies`.
  let columns: [Int32]
  /// Milliseconds times 16, plus half stars.
  private let stamps: [UInt64]

  /// Keeps the newest event of each user and movie, of equally new ones the last, and sorts them by
  /// time.
  ///
  /// - Parameters:
  ///   - users: rising ids.
  ///   - movies: rising ids.
  ///   - starts: where each user's events begin, then where the last user's end.
  ///   - columns: the events' movies, each user's in the order of the log.
  ///   - stamps: the events' times in milliseconds, times 16, plus half stars; 0 half stars for a
  ///     rating taken back.
  ///   - onTie: called for each user and movie of which several equally new events say different
  ///     things.
  ///   - progress: called now and then with the share done, 0...1.
  init(
    users: [Int64], movies: [Int64], starts: [Int], columns: consuming [Int32],
    stamps: consuming [UInt64], onTie: (_ user: Int64, _ movie: Int64) -> Void = { _, _ in },
    progress: (Double) -> Void = { _ in }
  ) {
    var keptUsers: [Int64] = []
    var keptStarts = [0]
    var isRated = [Bool](repeating: false, count: movies.count)
    var order: [EventOrder] = []
    var end = 0
    for user in users.indices {
      if user % 1024 == 0 { progress(Double(user) / Double(users.count)) }
      EventOrder.keepNewest(starts[user]..<starts[user + 1], columns, stamps, &order) {
        onTie(users[user], movies[Int($0)])
      }
      if order.isEmpty { continue }
      // Writes never overtake reads: `order` has copies of this user's events, and later users'
      // events lie behind.
      for event in order {
        columns[end] = event.movie
        stamps[end] = event.stamp
        isRated[Int(event.movie)] = true
        end += 1
      }
      keptUsers.append(users[user])
      keptStarts.append(end)
    }
    columns.removeLast(columns.count - end)
    stamps.removeLast(stamps.count - end)
    var renumbered = [Int32](repeating: -1, count: movies.count)
    var keptMovies: [Int64] = []
    for movie in movies.indices where isRated[movie] {
      renumbered[movie] = Int32(keptMovies.count)
      keptMovies.append(movies[movie])
    }
    if keptMovies.count < movies.count {
      for index in columns.indices { columns[index] = renumbered[Int(columns[index])] }
    }
    self.users = keptUsers
    self.movies = keptMovies
    self.starts = keptStarts
    self.columns = columns
    self.stamps = stamps
  }

  /// How many ratings there are.
  public var count: Int { columns.count }

  /// The indices of a user's ratings, for `rating`, by rising time; equal times in the order of the
  /// log.
  public func range(ofUser user: Int) -> Range<Int> { starts[user]..<starts[user + 1] }

  public func rating(_ index: Int) -> Rating {
    Rating(
      movie: Int(columns[index]), rating: halfStars(index),
      timeMilliseconds: Int64(stamps[index] >> 4))
  }

  private func halfStars(_ index: Int) -> HalfStars {
    guard let rating = HalfStars(rawValue: UInt8(truncatingIfNeeded: stamps[index] & 15)) else {
      preconditionFailure("only ratings of half to five stars are kept")
    }
    return rating
  }

  /// Event time of the newest rating, since 1970; 0 without ratings.
  public var newestMilliseconds: Int64 {
    var newest: UInt64 = 0
    for user in users.indices { newest = max(newest, stamps[starts[user + 1] - 1]) }
    return Int64(newest >> 4)
  }

  /// The mean of a user's ratings, in stars.
  func meanStars(ofUser user: Int) -> Double {
    let range = range(ofUser: user)
    let halfStars = range.reduce(0) { $0 + Int(stamps[$1] & 15) }
    return Double(halfStars) / 2 / Double(max(range.count, 1))
  }

  /// The same with other ratings of some users and movies.
  ///
  /// - Parameter ratings: by user and movie; `nil` for none.
  public func replacing(_ ratings: [RatedPair: TimedRating?]) -> RatingMatrix {
    var log = RatingLog()
    for user in users.indices {
      for index in range(ofUser: user) {
        let rating = rating(index)
        let movie = movies[rating.movie]
        guard ratings[RatedPair(user: users[user], movie: movie)] == nil else { continue }
        log.append(
          user: users[user], movie: movie, rating: rating.rating,
          timeMilliseconds: rating.timeMilliseconds)
      }
    }
    for (pair, rating) in ratings.sorted(by: { $0.key < $1.key }) {
      guard let rating else { continue }
      log.append(
        user: pair.user, movie: pair.movie, rating: rating.rating,
        timeMilliseconds: rating.timeMilliseconds)
    }
    return log.finish()
  }

  /// The rating in force of a user and movie.
  public func rating(of pair: RatedPair) -> TimedRating? {
    guard let user = Self.index(of: pair.user, in: users),
      let movie = Self.index(of: pair.movie, in: movies),
      let index = range(ofUser: user).first(where: { columns[$0] == movie })
    else { return nil }
    return TimedRating(
      rating: halfStars(index), timeMilliseconds: Int64(stamps[index] >> 4))
  }

  private static func index(of id: Int64, in ids: [Int64]) -> Int? {
    var low = 0
    var high = ids.count
    while low < high {
      let middle = (low + high) / 2
      if ids[middle] < id { low = middle + 1 } else { high = middle }
    }
    return low < ids.count && ids[low] == id ? low : nil
  }

  /// How many ratings each movie has.
  public var movieCounts: [Int] {
    var counts = [Int](repeating: 0, count: movies.count)
    for column in columns { counts[Int(column)] += 1 }
    return counts
  }

  /// The ratings for which `isKept` returns true. Drops users and movies that have none left.
  public func filter(_ isKept: (_ user: Int, _ index: Int) -> Bool) -> RatingMatrix {
    var starts = [0]
    var columns: [Int32] = []
    var stamps: [UInt64] = []
    // Growing would hold two copies for a while; reserved pages that are never touched cost
    // nothing.
    columns.reserveCapacity(count)
    stamps.reserveCapacity(count)
    for user in users.indices {
      for index in range(ofUser: user) where isKept(user, index) {
        columns.append(self.columns[index])
        stamps.append(self.stamps[index])
      }
      starts.append(columns.count)
    }
    return RatingMatrix(
      users: users, movies: movies, starts: starts, columns: columns, stamps: stamps)
  }
}

/// A user and a movie.
public struct RatedPair: Hashable, Sendable, Comparable {
  public var user: Int64
  public var movie: Int64

  public init(user: Int64, movie: Int64) {
    self.user = user
    self.movie = movie
  }

  public static func < (a: RatedPair, b: RatedPair) -> Bool {
    (a.user, a.movie) < (b.user, b.movie)
  }
}

/// An event of one user, for sorting.
private struct EventOrder {
  var movie: Int32
  /// Its place among the user's events in the log.
  var sequence: Int32
  var stamp: UInt64

  /// Sets `order` to the newest event of each movie, by time, without those that take the rating
  /// back.
  static func keepNewest(
    _ range: Range<Int>, _ columns: [Int32], _ stamps: [UInt64], _ order: inout [EventOrder],
    onTie: (_ movie: Int32) -> Void
  ) {
    order.removeAll(keepingCapacity: true)
    for (sequence, index) in range.enumerated() {
      order.append(
        EventOrder(movie: columns[index], sequence: Int32(sequence), stamp: stamps[index]))
    }
    order.sort { a, b in
      a.movie != b.movie ? a.movie < b.movie : a.isEarlier(than: b)
    }
    var kept = 0
    var isTied = false
    for index in order.indices {
      let event = order[index]
      let isLast = index + 1 == order.count || order[index + 1].movie != event.movie
      if !isLast {
        let next = order[index + 1]
        isTied = next.time == event.time && (isTied || next.stamp != event.stamp)
        continue
      }
      if isTied { onTie(event.movie) }
      isTied = false
      guard event.stamp & 15 != 0 else { continue }
      order[kept] = event
      kept += 1
    }
    order.removeLast(order.count - kept)
    order.sort { a, b in a.isEarlier(than: b) }
  }

  private var time: UInt64 { stamp >> 4 }

  private func isEarlier(than other: EventOrder) -> Bool {
    time != other.time ? time < other.time : sequence < other.sequence
  }
}
