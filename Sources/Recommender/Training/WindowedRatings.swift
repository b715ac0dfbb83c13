/// Ratings as training sees them: each user's are cut by time into windows, each a row of its own;
/// and the same by movie.
///
/// Windows of L ratings begin at a user's first rating in even epochs and half a window earlier in
/// odd ones. Half windows are numbered so that in epoch phase p, half h is in row (h + p)/2. A user
/// has as many rows as either phase needs, so one of them may be empty in the other.
struct WindowedRatings: Sendable {
  let ratings: RatingMatrix
  /// Ratings in half a window; `Int.max` if users are left whole.
  let half: Int
  /// Each user's first row, then the number of rows.
  let firstRows: [Int]
  /// Where each movie's ratings begin, then where the last movie's end.
  let movieStarts: [Int]
  /// The half windows of each movie's ratings.
  private let halves: [Int32]

  /// - Parameter window: L, even; 0 leaves users whole.
  init(_ ratings: RatingMatrix, window: Int) {
    self.ratings = ratings
    half = window > 0 ? window / 2 : .max
    var firstRows = [0]
    firstRows.reserveCapacity(ratings.users.count + 1)
    for user in ratings.users.indices {
      let count = ratings.range(ofUser: user).count
      let rows = window > 0 ? ((count + half - 1) / half) / 2 + 1 : 1
      firstRows.append(firstRows[user] + rows)
    }
    precondition(2 * firstRows[ratings.users.count] < Int(Int32.max), "half windows have 31 bits")
    self.firstRows = firstRows
    var starts = [0] + ratings.movieCounts
    for movie in ratings.movies.indices { starts[movie + 1] += starts[movie] }
    movieStarts = starts
    var halves = [Int32](repeating: 0, count: ratings.count)
    for user in ratings.users.indices {
      let range = ratings.range(ofUser: user)
      for index in range {
        let movie = Int(ratings.columns[index])
        halves[starts[movie]] = Int32(2 * firstRows[user] + (index - range.lowerBound) / half)
        starts[movie] += 1
      }
    }
    self.halves = halves
  }

  var rowCount: Int { firstRows[ratings.users.count] }

  /// 0 or 1 for an epoch, counted from 0.
  func phase(ofEpoch epoch: Int) -> Int { half == .max ? 0 : epoch & 1 }

  /// The ratings of each of a user's rows.
  func windows(ofUser user: Int, phase: Int) -> Windows {
    let range = ratings.range(ofUser: user)
    let first = phase == 1 ? min(half, range.count) : min(whole, range.count)
    return Windows(rest: range, length: first, whole: whole)
  }

  private var whole: Int { half == .max ? .max : 2 * half }

  struct Windows: Sequence, IteratorProtocol {
    fileprivate var rest: Range<Int>
    /// Of the next window.
    fileprivate var length: Int
    fileprivate let whole: Int

    mutating func next() -> Range<Int>? {
      guard !rest.isEmpty else { return nil }
      let window = rest.lowerBound..<rest.lowerBound + length
      rest = window.upperBound..<rest.upperBound
      length = Swift.min(whole, rest.count)
      return window
    }
  }

  /// How many rows are not empty.
  func usedRows(phase: Int) -> Int {
    guard half != .max else { return ratings.users.count }
    return ratings.users.indices.reduce(0) { sum, user in
      let halves = (ratings.range(ofUser: user).count + half - 1) / half
      return sum + (phase == 0 ? (halves + 1) / 2 : halves / 2 + 1)
    }
  }

  /// The row of a rating of a movie.
  ///
  /// - Parameter index: within the movie's part of `movieStarts`.
  func row(_ index: Int, phase: Int) -> Int { (Int(halves[index]) + phase) >> 1 }
}
