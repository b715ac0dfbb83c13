/// The best movies of many users.
public struct RecommendationLists: Sendable {
  /// The most movies per user.
  public let length: Int
  /// A line of `length` rows per user, best first; -1 where there are no more.
  private let rows: [Int32]

  init(length: Int, rows: [Int32]) {
    self.length = length
    self.rows = rows
  }

  /// A user's movies, best first, as rows of the model or indices of the ratings' movies.
  public func rows(ofUser user: Int) -> some Sequence<Int32> {
    rows[user * length..<(user + 1) * length].prefix { $0 >= 0 }
  }
}

/// Divides the users of some ratings into pieces for threads.
enum UserPieces {
  static let users = 64
  /// How many times progress is reported.
  static let slices = 32

  static func forEach(
    _ count: Int, _ threads: Threads, _ progress: (Double) -> Void,
    _ body: (_ users: Range<Int>, _ thread: Int) -> Void
  ) {
    let pieces = (count + users - 1) / users
    for slice in 0..<slices {
      threads.forEach(pieces * slice / slices..<pieces * (slice + 1) / slices) { piece, thread in
        body(piece * users..<min((piece + 1) * users, count), thread)
      }
      progress(Double(slice + 1) / Double(slices))
    }
  }
}

/// The working memory of one thread.
private final class Worker {
  var ranker: RowRanker
  var vectors: [Float] = []
  var scores: [Float] = []
  /// What neighbours add to the scores of the users at hand.
  var additions: [(place: Int, row: Int32, value: Double)] = []

  init(_ model: FactorModel) {
    ranker = RowRanker(model)
  }

  /// Folds a user in.
  func fold(_ user: Int, _ ratings: RatingMatrix, _ rowOfMovie: [Int32], at moment: Int64?) {
    ranker.fold { foldIn in
      for index in ratings.range(ofUser: user) {
        let rating = ratings.rating(index)
        let row = rowOfMovie[rating.movie]
        guard row >= 0 else { continue }
        foldIn.add(
          row: Int(row), rating: rating.rating, timeMilliseconds: rating.timeMilliseconds)
      }
    }
    ranker.solve(at: moment)
  }

  /// Copies the rows of a user's best movies.
  func copyBest(of user: Int, to line: Slice<UnsafeMutableBufferPointer<Int32>>) {
    var place = line.startIndex
    ranker.forEachBest(of: user) { scored in
      line.base[place] = Int32(scored.row)
      place += 1
    }
  }
}

extension FactorModel {
  /// The rows of the movies of some ratings; -1 for a movie the model does not know.
  private func rows(of ratings: RatingMatrix) -> [Int32] {
    ratings.movies.map { Int32(row(of: $0) ?? -1) }
  }

  /// The best movies, as rows, for each user of `ratings`, folded in from them, without those the
  /// user has rated.
  ///
  /// - Parameters:
  ///   - moment: what to recommend for, in milliseconds since 1970; `nil` for the moment of each
  ///     user's last rating.
  ///   - count: how many for each user.
  ///   - progress: called on the caller's thread now and then with the share done, 0...1.
  public func recommendations(
    for ratings: RatingMatrix, at moment: Int64?, count: Int, threads: Int,
    progress: (Double) -> Void = { _ in }
  ) -> RecommendationLists {
    let rowOfMovie = rows(of: ratings)
    let workers = (0..<threads).map { _ in Worker(self) }
    var lists = [Int32](repeating: -1, count: ratings.users.count * count)
    lists.withUnsafeMutableBufferPointer { lists in
      // Only the thread that has the user writes the user's line.
      nonisolated(unsafe) let lists = lists
      UserPieces.forEach(ratings.users.count, Threads(threads), progress) { users, thread in
        let worker = workers[thread]
        worker.ranker.removeAll()
        for user in users {
          worker.fold(user, ratings, rowOfMovie, at: moment)
          worker.ranker.add(wanted: count, excludesRated: true, allowing: nil)
        }
        worker.ranker.score()
        for (place, user) in users.enumerated() {
          worker.copyBest(of: place, to: lists[user * count..<(user + 1) * count])
        }
      }
    }
    return RecommendationLists(length: count, rows: lists)
  }

  /// For each user, the probability that a held-out movie scores higher than one that the user
  /// never rated; `nan` for users without held-out movies.
  func aucs(_ holdOut: HoldOut, threads: Int, progress: (Double) -> Void) -> [Double] {
    let rowOfMovie = rows(of: holdOut.known)
    let workers = (0..<threads).map { _ in Worker(self) }
    var aucs = [Double](repeating: .nan, count: holdOut.known.users.count)
    aucs.withUnsafeMutableBufferPointer { aucs in
      // Only the thread that has the user writes the user's element.
      nonisolated(unsafe) let aucs = aucs
      UserPieces.forEach(holdOut.known.users.count, Threads(threads), progress) { users, thread in
        let worker = workers[thread]
        let scored = users.filter { !holdOut.heldOut(ofUser: $0).isEmpty }
        score(scored, holdOut, rowOfMovie, worker)
        let scores = worker.scores
        for (place, user) in scored.enumerated() {
          let rated = holdOut.known.range(ofUser: user).map { index in
            rowOfMovie[holdOut.known.rating(index).movie]
          }
          aucs[user] = RankingMeasures.auc(
            scores: scores.span.extracting(place * movies.count..<(place + 1) * movies.count),
            relevant: holdOut.heldOut(ofUser: user), known: rated.sorted()[...])
        }
      }
    }
    return aucs
  }

  /// Sets the worker's scores to those of all movies for some users, one row per user.
  private func score(_ users: [Int], _ holdOut: HoldOut, _ rowOfMovie: [Int32], _ worker: Worker) {
    worker.vectors.removeAll(keepingCapacity: true)
    worker.additions.removeAll(keepingCapacity: true)
    for (place, user) in users.enumerated() {
      worker.fold(user, holdOut.known, rowOfMovie, at: holdOut.moment)
      worker.vectors += worker.ranker.foldIn.vector
      for row in worker.ranker.foldIn.touched {
        worker.additions.append((place, row, worker.ranker.foldIn.additions[Int(row)]))
      }
    }
    score(worker.vectors, into: &worker.scores)
    for addition in worker.additions {
      worker.scores[addition.place * movies.count + Int(addition.row)] += Float(addition.value)
    }
  }
}

extension RatingMatrix {
  /// The movies with the most ratings, as indices into `movies`, for each user of `ratings`,
  /// without those the user has rated. Equal counts by rising id.
  ///
  /// - Parameter ratings: their movies must all be in this matrix.
  func popular(for ratings: RatingMatrix, count: Int) -> RecommendationLists {
    let counts = movieCounts
    let ranking = movies.indices.sorted { a, b in
      counts[a] != counts[b] ? counts[a] > counts[b] : a < b
    }
    let own = indices(ofMoviesOf: ratings)
    var lists = [Int32](repeating: -1, count: ratings.users.count * count)
    for user in ratings.users.indices {
      let rated = Set(ratings.range(ofUser: user).map { own[Int(ratings.columns[$0])] })
      var rank = 0
      for movie in ranking where !rated.contains(Int32(movie)) {
        guard rank < count else { break }
        lists[user * count + rank] = Int32(movie)
        rank += 1
      }
    }
    return RecommendationLists(length: count, rows: lists)
  }

  /// The indices of another matrix's movies in this one; -1 for a movie that is not in this one.
  func indices(ofMoviesOf other: RatingMatrix) -> [Int32] {
    let index = RowIndex(movies)
    return other.movies.map { Int32(index.row(of: $0, in: movies) ?? -1) }
  }
}
