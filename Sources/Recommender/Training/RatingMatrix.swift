public import Ratings

/// The ratings in force, by user and then by time: the last one of each user and movie.
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

  /// Keeps the last event of each user and movie, and sorts them by time.
  ///
  /// - Parameters:
  ///   - users: rising ids.
  ///   - movies: rising ids.
  ///   - starts: where each user's events begin, then where the last user's end.
  ///   - columns: the events' movies, each user's in the order of the log.
  ///   - stamps: the events' times in milliseconds, times 16, plus half stars; 0 half stars for a
  ///     rating taken back.
  ///   - progress: called now and then with the share done, 0...1.
  init(
    users: [Int64], movies: [Int64], starts: [Int], columns: consuming [Int32],
    stamps: consuming [UInt64], progress: (Double) -> Void = { _ in }
  ) {
    var keptUsers: [Int64] = []
    var keptStarts = [0]
    var isRated = [Bool](repeating: false, count: movies.count)
    var order: [EventOrder] = []
    var end = 0
    for user in users.indices {
      if user % 1024 == 0 { progress(Double(user) / Double(users.count)) }
      EventOrder.keepLast(starts[user]..<starts[user + 1], columns, stamps, &order)
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

/// An event of one user, for sorting.
private struct EventOrder {
  var movie: Int32
  /// Its place among the user's events in the log.
  var sequence: Int32
  var stamp: UInt64

  /// Sets `order` to the last event of each movie, by time, without those that take the rating
  /// back.
  static func keepLast(
    _ range: Range<Int>, _ columns: [Int32], _ stamps: [UInt64], _ order: inout [EventOrder]
  ) {
    order.removeAll(keepingCapacity: true)
    for (sequence, index) in range.enumerated() {
      order.append(
        EventOrder(movie: columns[index], sequence: Int32(sequence), stamp: stamps[index]))
    }
    order.sort { a, b in a.movie != b.movie ? a.movie < b.movie : a.sequence < b.sequence }
    var kept = 0
    for index in order.indices {
      let isLast = index + 1 == order.count || order[index + 1].movie != order[index].movie
      guard isLast, order[index].stamp & 15 != 0 else { continue }
      order[kept] = order[index]
      kept += 1
    }
    order.removeLast(order.count - kept)
    order.sort { a, b in
      a.stamp >> 4 != b.stamp >> 4 ? a.stamp >> 4 < b.stamp >> 4 : a.sequence < b.sequence
    }
  }
}
