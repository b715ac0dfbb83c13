import Console
import Foundation
import LMDBStore
import LinearAlgebra
import Pipeline
import Ratings
import Recommender
import StateStore
import Streams

/// How many users a second one thread answers, and how many a bare matrix product of the same
/// shapes scores: users' vectors times all movies' factors.
struct RankingBench {
  struct Result {
    /// Users per second, with a model whose movies' vectors are as long as a trained one's.
    var answers = 0.0
    /// With vectors of equal length, where every movie must be scored.
    var answersAtEqualLengths = 0.0
    var products = 0.0
    /// With the movies on the left and the users' vectors by columns.
    var productsOfMovies = 0.0
    /// Ratings of a user, on average.
    var ratings = 0.0
    var replyBytes = 0.0
  }

  /// Users who ask; each batch asks for others than the one before.
  private static let users = 2_048
  /// As in MovieLens 20M, where a user has 144.
  private static let meanRatings = 144
  private static let rounds = 5
  /// A day after most users' last rating.
  private static let moment: Int64 = 1_400_100_000_000

  let model: FactorModel
  /// Of the same shape.
  let equalLengths: FactorModel
  let movies: [MovieRecord]
  let batch: Int
  let count: Int
  let seconds: Double

  func run(in directory: String, check: () throws -> Void) throws -> Result {
    let storage = LMDBStorage(root: directory, mapBytes: 1 << 30)
    let store = try storage.open(
      stage: StageDeclaration.user.name, partition: 0, tables: StageDeclaration.user.tableNames)
    let ratings = try fill(store)
    var answers = try OfflineAnswers(store, model: model, moment: Self.moment, movies: movies)
    var others = try OfflineAnswers(
      store, model: equalLengths, moment: Self.moment, movies: movies)
    let batches = requests()
    var result = Result()
    result.ratings = Double(ratings) / Double(Self.users)
    // One in turn with the others, so that all meet the same machine; the best of each counts.
    let part = seconds / Double(4 * Self.rounds)
    var progress = ProgressBar("in this process", goal: .time(.seconds(seconds)))
    for _ in 0..<Self.rounds {
      result.products = max(result.products, products(for: part, &progress))
      let (rate, bytes) = try answered(&answers, batches, for: part, &progress)
      result.answers = max(result.answers, rate)
      result.replyBytes = bytes
      result.productsOfMovies = max(
        result.productsOfMovies, productsOfMovies(for: part, &progress))
      let (otherRate, _) = try answered(&others, batches, for: part, &progress)
      result.answersAtEqualLengths = max(result.answersAtEqualLengths, otherRate)
      try check()
    }
    progress.finish(0)
    try store.close()
    return result
  }

  /// - Returns: how many users a second, and the bytes of a reply.
  private func answered(
    _ answers: inout OfflineAnswers<LMDBStore>, _ batches: [[[UInt8]]], for seconds: Double,
    _ progress: inout ProgressBar
  ) throws -> (Double, Double) {
    var users = 0
    var bytes = 0
    var personal = 0
    var next = 0
    let start = ContinuousClock.now
    while ContinuousClock.now - start < .seconds(seconds) {
      personal += try answers.answer(batches[next]) { bytes += $0.byteCount }
      users += batches[next].count
      next = (next + 1) % batches.count
      progress.refresh()
    }
    let took = (ContinuousClock.now - start) / .seconds(1)
    guard personal == users else {
      throw CommandFailure(.internalError, "\(users - personal) answers were not personal")
    }
    return (Double(users) / took, Double(bytes) / Double(users))
  }

  private func products(for seconds: Double, _ progress: inout ProgressBar) -> Double {
    let k = model.factorCount
    let vectors = Array(model.factors.prefix(batch * k))
    let factors = model.factors
    return products(for: seconds, &progress) { scores in
      BLAS.products(of: vectors.span, and: factors.span, columns: k, into: &scores)
    }
  }

  private func productsOfMovies(for seconds: Double, _ progress: inout ProgressBar) -> Double {
    let k = model.factorCount
    let columns = Array(model.factors.prefix(batch * k))
    let factors = model.factors
    return products(for: seconds, &progress) { scores in
      BLAS.product(of: factors.span, and: columns.span, inner: k, into: &scores)
    }
  }

  /// - Parameter product: of a batch, movies × users or the other way about.
  private func products(
    for seconds: Double, _ progress: inout ProgressBar,
    _ product: (inout MutableSpan<Float>) -> Void
  ) -> Double {
    var scores = [Float](repeating: 0, count: batch * model.movies.count)
    var users = 0
    let start = ContinuousClock.now
    while ContinuousClock.now - start < .seconds(seconds) {
      var span = scores.mutableSpan
      product(&span)
      users += batch
      progress.refresh()
    }
    return Double(users) / ((ContinuousClock.now - start) / .seconds(1))
  }

  private func requests() -> [[[UInt8]]] {
    var random = SeededRandom(seed: 7)
    return (0..<Self.users / 64).map { _ in
      (0..<batch).map { _ in
        let user = Int.random(in: 1...Self.users, using: &random)
        return Array(#"{"user_id":\#(user),"num_recommendations":\#(count)}"#.utf8)
      }
    }
  }

  // MARK: State

  /// Writes the users' state as the user stage does.
  ///
  /// - Returns: how many ratings.
  private func fill(_ store: LMDBStore) throws -> Int {
    var random = SeededRandom(seed: 3)
    var genres = GenreDictionary()
    var writes = WriteSet()
    var encoded: [UInt8] = []
    var sum = 0
    var progress = ProgressBar("state", unit: "users", goal: .count(Self.users))
    for user in Int64(1)...Int64(Self.users) {
      var aggregate = UserAggregate()
      for (movie, rating) in ratings(&random) {
        let set = Self.number(movies[Int(movie) - 1], &genres)
        let row = UserRating(
          rating: rating.rating, timeMilliseconds: rating.timeMilliseconds, genres: set,
          source: SourceCoordinates(partition: 0, offset: Int64(sum)),
          recordTimeMilliseconds: rating.timeMilliseconds)
        _ = aggregate.apply(old: nil, new: row, movie: movie)
        encoded.removeAll(keepingCapacity: true)
        row.encode(into: &encoded)
        let key = StoreKey(user, movie)
        writes.set(UserTables.ratings, key.span, encoded.span.bytes)
        sum += 1
      }
      encoded.removeAll(keepingCapacity: true)
      aggregate.encode(into: &encoded)
      let key = StoreKey(user)
      writes.set(UserTables.aggregates, key.span, encoded.span.bytes)
      progress.update(Int(user))
    }
    encoded.removeAll(keepingCapacity: true)
    genres.encode(into: &encoded)
    let key = UserTables.genresKey
    writes.set(UserTables.genres, key.span.bytes, encoded.span.bytes)
    try store.commit(&writes, changelogOffset: 1)
    progress.close(Self.users)
    return sum
  }

  private static func number(_ movie: MovieRecord, _ genres: inout GenreDictionary) -> GenreSet {
    var set = GenreSet()
    for name in movie.genres.split(separator: "|") {
      if let number = genres.number(of: String(name)) { set.insert(number) }
    }
    return set
  }

  /// A user's: exponentially many of them, and of popular movies more.
  private func ratings(_ random: inout SeededRandom) -> [Int64: TimedRating] {
    let share = 1 - random.unit()
    let number = 20 + Int(-Double(Self.meanRatings - 20) * log(1 - share))
    var ratings: [Int64: TimedRating] = [:]
    for index in 0..<min(number, movies.count / 2) {
      let place = 1 - random.unit()
      let movie = 1 + Int64(place * place * Double(movies.count - 1))
      guard let rating = HalfStars(rawValue: UInt8.random(in: 1...10, using: &random)) else {
        continue
      }
      ratings[movie] = TimedRating(
        rating: rating, timeMilliseconds: 1_400_000_000_000 + Int64(index) * 60_000)
    }
    return ratings
  }
}
