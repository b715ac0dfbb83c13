import EventLog
import Foundation
import Simulation
import Streams
import Testing

@testable import Codecs
@testable import Pipeline
@testable import Ratings
@testable import Recommender

/// A chain with ratings and models, whose predict stage is asked for recommendations.
struct ServingBed {
  static let start: Int64 = 1_600_000_000

  let chain: Chain

  init(partitions: Int32 = 1) {
    chain = Chain(partitions: partitions)
  }

  init(chain: Chain) {
    self.chain = chain
  }

  // MARK: Models

  /// A model of made-up factors.
  static func model(
    movies: [Int64], factors k: Int = 4, seed: UInt64 = 1, halfLife: Double = 4
  ) -> PublishedModel {
    var generator = SeededGenerator(seed: seed)
    var parameters = ModelParameters()
    parameters.factors = k
    parameters.recencyHalfLife = halfLife
    parameters.seed = seed
    let factors = (0..<movies.count * k).map { _ in Float.random(in: -1...1, using: &generator) }
    return PublishedModel(
      metadata: ModelMetadata(
        version: "", parameters: parameters, users: 1, movies: movies.count, ratings: 1,
        newestRatingMilliseconds: Int64(seed) * EventTime.millisecondsPerDay, loss: 0),
      movies: movies, factors: factors)
  }

  /// The records that publish a model, in their order.
  static func records(_ model: PublishedModel) -> [(key: ModelKey, value: [UInt8])] {
    var records: [(ModelKey, [UInt8])] = []
    model.forEachRecord { key, value in
      records.append((key, value.withUnsafeBytes { [UInt8]($0) }))
    }
    return records
  }

  func append(_ key: ModelKey, _ value: [UInt8]?) throws {
    try Self.append(key, value, to: chain.log)
  }

  static func append(_ key: ModelKey, _ value: [UInt8]?, to log: MemoryLog) throws {
    try log.append(
      to: TopicPartition(Topics.models, 0), key: Array(key.text.utf8), value: value)
  }

  /// - Returns: the model's version.
  @discardableResult
  func publish(_ model: PublishedModel, promoted: Bool = true) throws -> String {
    for (key, value) in Self.records(model) { try append(key, value) }
    if promoted { try promote(model.model.version) }
    return model.model.version
  }

  func promote(_ version: String) throws {
    var writer = JSONWriter()
    ModelPromotion(version: version).write(to: &writer)
    try append(.promotion, writer.copyBytes())
  }

  // MARK: Requests

  func ask(_ user: Int64, _ fields: String = "", headers: [RecordHeader] = []) throws {
    try chain.log.append(
      to: TopicPartition(Topics.requests, chain.home(user)), key: Array("\(user)".utf8),
      value: Array(#"{"user_id":\#(user)\#(fields)}"#.utf8), headers: headers)
  }

  func replies() throws -> [ReplyRecord] {
    try chain.records(Topics.recommendations).map { try ReplyRecord($0) }
  }

  /// Asks once and gives the one reply.
  func answer(_ user: Int64, _ fields: String = "", _ serving: Chain.Serving = Chain.Serving())
    throws -> ReplyRecord
  {
    let before = try replies().count
    try ask(user, fields)
    try chain.runPredict(serving)
    let replies = try replies()
    #expect(replies.count == before + 1)
    return try #require(replies.last)
  }

  // MARK: The oracle

  /// The list that the definition gives: the equations built term by term and solved by elimination
  /// in double precision, every movie scored, everything sorted.
  static func oracle(
    _ model: FactorModel, _ ratings: [MovieRating], count: Int, excludesRated: Bool = true
  ) -> [ScoredMovie] {
    let parameters = model.metadata.parameters
    let k = parameters.factors
    func factor(_ row: Int, _ column: Int) -> Double { Double(model.factors[row * k + column]) }
    let known = ratings.filter { model.movies.contains($0.movie) }
    let mean = known.reduce(0) { $0 + $1.rating.rating.stars } / Double(max(known.count, 1))
    let weights = known.map { rated in
      let rank = known.count { $0.rating.timeMilliseconds > rated.rating.timeMilliseconds }
      let halfLife = parameters.recencyHalfLife
      let taste = 1 + parameters.taste * (rated.rating.rating.stars - mean)
      return min(max(taste, 0.2), 2) * (halfLife > 0 ? exp2(-Double(rank) / halfLife) : 1)
    }
    let metadata = model.metadata
    let unobserved =
      parameters.unobservedWeight * Double(metadata.ratings)
      / Double(metadata.rows * metadata.movies)
    let mass = weights.reduce(0, +) + unobserved * Double(model.movies.count)
    var matrix = Array(repeating: Array(repeating: 0.0, count: k + 1), count: k)
    for row in model.movies.indices {
      for i in 0..<k {
        for j in 0..<k {
          matrix[i][j] += unobserved * factor(row, i) * factor(row, j)
        }
      }
    }
    for i in 0..<k {
      matrix[i][i] += parameters.regularization * pow(mass, parameters.regularizationExponent)
    }
    for (rated, weight) in zip(known, weights) {
      let row = model.movies.firstIndex(of: rated.movie) ?? 0
      for i in 0..<k {
        for j in 0..<k { matrix[i][j] += weight * factor(row, i) * factor(row, j) }
        matrix[i][k] += weight * factor(row, i)
      }
    }
    let vector = eliminate(matrix)
    let scored = model.movies.enumerated().map { row, movie in
      ScoredMovie(movie: movie, score: (0..<k).reduce(0) { $0 + vector[$1] * factor(row, $1) })
    }
    let rated = Set(ratings.map(\.movie))
    return Array(
      scored.filter { !excludesRated || !rated.contains($0.movie) }
        .sorted { $0.score != $1.score ? $0.score > $1.score : $0.movie < $1.movie }
        .prefix(count))
  }

  /// Gauss-Jordan on a matrix with its right-hand side as last column.
  private static func eliminate(_ rows: [[Double]]) -> [Double] {
    var rows = rows
    for pivot in rows.indices {
      for row in rows.indices where row != pivot {
        let factor = rows[row][pivot] / rows[pivot][pivot]
        for column in rows[row].indices { rows[row][column] -= factor * rows[pivot][column] }
      }
    }
    return rows.indices.map { rows[$0][rows.count] / rows[$0][$0] }
  }
}
