import EventLog
import Foundation
import Simulation
import Streams
import TestSupport
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
    var generator = Simulation.SeededGenerator(seed: seed)
    var parameters = ModelParameters()
    parameters.factors = k
    parameters.recencyHalfLife = halfLife
    parameters.seed = seed
    return PublishedModel(
      metadata: ModelMetadata(
        version: "", parameters: parameters, users: 1, movies: movies.count, ratings: 1,
        meanRating: 3.5, newestRatingMilliseconds: Int64(seed) * EventTime.millisecondsPerDay,
        loss: 0),
      contents: .madeUp(movies: movies, factors: k) {
        Float.random(in: -1...1, using: &generator)
      })
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
    try append(.role(.serving), writer.copyBytes())
  }

  // MARK: Requests

  /// - Parameter timestamp: by default none of the users' last ratings is older.
  func ask(
    _ user: Int64, _ fields: String = "", headers: [RecordHeader] = [],
    timestamp: Int64 = start * 1000
  ) throws {
    try chain.log.append(
      to: TopicPartition(Topics.requests, chain.home(user)), key: Array("\(user)".utf8),
      value: Array(#"{"user_id":\#(user)\#(fields)}"#.utf8), headers: headers,
      timestamp: timestamp)
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

  /// The list that the definition gives: every movie's score added up term by term, everything
  /// sorted.
  ///
  /// - Parameter elapsedHours: between the user's last rating and the request.
  static func oracle(
    _ model: FactorModel, _ ratings: [MovieRating], count: Int, excludesRated: Bool = true,
    elapsedHours: Double = 0
  ) -> [ScoredMovie] {
    let parameters = model.metadata.parameters
    let k = parameters.factors
    let contents = model.contents
    func factor(_ row: Int, _ column: Int) -> Double { Double(contents.factors[row * k + column]) }
    let known = ratings.filter { model.movies.contains($0.movie) }
    let rows = known.map { model.movies.firstIndex(of: $0.movie) ?? 0 }
    let stars = known.reduce(0) { $0 + $1.rating.rating.stars }
    let mean = (stars + 5 * model.metadata.meanRating) / Double(known.count + 5)
    let weights = known.map { rated in
      min(max(1 + parameters.taste * (rated.rating.rating.stars - mean), -0.5), 1.5)
    }
    let recency = known.map { rated in
      let rank = known.count { $0.rating.timeMilliseconds > rated.rating.timeMilliseconds }
      let halfLife = parameters.recencyHalfLife
      let weight = halfLife > 0 ? exp2(-Double(rank) / halfLife) : 1
      return weight < exp2(-6) ? 0 : weight
    }
    let share =
      parameters.sitting * parameters.sittingHours / (parameters.sittingHours + elapsedHours)
    let whole = Double(known.count) + parameters.prior
    let scored = model.movies.indices.map { row in
      var lasting = 0.0
      for column in 0..<k {
        var number = parameters.prior * Double(contents.prior[column])
        for (rated, weight) in zip(rows, weights) {
          number += weight * Double(contents.scales[rated]) * factor(rated, column)
        }
        lasting += number * factor(row, column) / whole
      }
      var sitting = 0.0
      for (index, rated) in rows.enumerated() {
        let neighbour = contents.neighbours.weight(of: row, for: rated)
        sitting += weights[index] * recency[index] * Double(neighbour)
      }
      return ScoredMovie(
        movie: model.movies[row],
        score: (1 - share) * lasting + share * sitting / recency.reduce(0, +))
    }
    let rated = Set(ratings.map(\.movie))
    return Array(
      scored.filter { !excludesRated || !rated.contains($0.movie) }
        .sorted { $0.score != $1.score ? $0.score > $1.score : $0.movie < $1.movie }
        .prefix(count))
  }
}
