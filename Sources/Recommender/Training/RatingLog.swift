public import Ratings

/// Collects many millions of ratings in the order of a log, in 16 bytes each, and reduces them to
/// the ratings in force.
///
/// Which do follows from the rules of `RatingStatement`: of a user's statements about a movie the
/// newest one stands. Sorting finds it in less memory than a fold would need. Of equally new ones
/// it takes the last; where that is not known to be right, `finish` reports them.
public struct RatingLog: ~Copyable, Sendable {
  private static let chunkCapacity = 1 << 20

  private struct Entry {
    var user: UInt32
    var movie: UInt32
    /// Milliseconds times 16, plus half stars; 0 half stars for a rating taken back.
    var timeAndRating: UInt64
  }

  private var chunks: [[Entry]] = []
  private var userNumbers: [Int64: UInt32] = [:]
  private var movieNumbers: [Int64: UInt32] = [:]
  private var users: [Int64] = []
  private var movies: [Int64] = []

  public init() {}

  /// How many have been added, including those replaced or taken back.
  public private(set) var count = 0

  /// Adds the next event of the log.
  ///
  /// - Parameters:
  ///   - rating: `nil` takes the user's rating of the movie back.
  ///   - timeMilliseconds: event time, within `EventTime.representable`.
  public mutating func append(
    user: Int64, movie: Int64, rating: HalfStars?, timeMilliseconds: Int64
  ) {
    precondition(EventTime.representable.contains(timeMilliseconds))
    if count % Self.chunkCapacity == 0 {
      chunks.append([])
      chunks[chunks.count - 1].reserveCapacity(Self.chunkCapacity)
    }
    chunks[chunks.count - 1].append(
      Entry(
        user: Self.number(of: user, &userNumbers, &users),
        movie: Self.number(of: movie, &movieNumbers, &movies),
        timeAndRating: UInt64(timeMilliseconds) << 4 | UInt64(rating?.rawValue ?? 0)))
    count += 1
  }

  /// The ratings in force. Frees the log's memory as it goes.
  ///
  /// - Parameters:
  ///   - progress: called now and then with the share done, 0...1.
  ///   - onTie: called for each user and movie of which several equally new events say different
  ///     things.
  public consuming func finish(
    progress: (Double) -> Void = { _ in }, onTie: (RatedPair) -> Void = { _ in }
  ) -> RatingMatrix {
    let (sortedUsers, userRanks) = Self.ranks(users)
    let (sortedMovies, movieRanks) = Self.ranks(movies)
    userNumbers = [:]
    movieNumbers = [:]
    var starts = [Int](repeating: 0, count: users.count + 1)
    for chunk in chunks {
      for entry in chunk { starts[Int(userRanks[Int(entry.user)]) + 1] += 1 }
    }
    for user in users.indices { starts[user + 1] += starts[user] }
    var columns = [Int32](repeating: 0, count: count)
    var stamps = [UInt64](repeating: 0, count: count)
    var next = starts
    for index in chunks.indices {
      for entry in chunks[index] {
        let user = Int(userRanks[Int(entry.user)])
        columns[next[user]] = Int32(bitPattern: movieRanks[Int(entry.movie)])
        stamps[next[user]] = entry.timeAndRating
        next[user] += 1
      }
      chunks[index] = []
      progress(Double(index + 1) / Double(2 * chunks.count))
    }
    return RatingMatrix(
      users: sortedUsers, movies: sortedMovies, starts: starts, columns: columns, stamps: stamps,
      onTie: { onTie(RatedPair(user: $0, movie: $1)) }, progress: { progress(0.5 + $0 / 2) })
  }

  private static func number(
    of id: Int64, _ numbers: inout [Int64: UInt32], _ ids: inout [Int64]
  ) -> UInt32 {
    if let number = numbers[id] { return number }
    let number = UInt32(ids.count)
    numbers[id] = number
    ids.append(id)
    return number
  }

  /// The ids in rising order, and the index of each in that order.
  private static func ranks(_ ids: [Int64]) -> (sorted: [Int64], ranks: [UInt32]) {
    let order = ids.indices.sorted { ids[$0] < ids[$1] }
    var ranks = [UInt32](repeating: 0, count: ids.count)
    for (rank, index) in order.enumerated() { ranks[index] = UInt32(rank) }
    return (order.map { ids[$0] }, ranks)
  }
}
