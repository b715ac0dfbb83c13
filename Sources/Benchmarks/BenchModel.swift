import Console
import EventLog
import Foundation
import KafkaLog
import Pipeline
import Recommender
import Streams

/// A model of made-up factors: the speed of serving depends on how long the movies' vectors are,
/// and not on what they say.
struct BenchModel {
  enum Lengths {
    /// As long as trained ones are. By default parameters on ml-latest-small, the r-th longest of M
    /// is about 2.5 · exp(-3.2 · (r / M)^0.6): 2.0 for the first hundredth, 0.3 in the middle.
    case trained
    /// All 1: no movie can be left out because it is too short.
    case equal

    /// Of the movie at a place, 0...1, among all by falling length.
    func length(at place: Double) -> Float {
      switch self {
      case .trained: Float(2.5 * exp(-3.2 * pow(place, 0.6)))
      case .equal: 1
      }
    }
  }

  let published: PublishedModel

  /// - Parameters:
  ///   - movies: 1 to this.
  ///   - factors: how many numbers a movie's vector has.
  init(movies count: Int, factors: Int, lengths: Lengths = .trained, seed: UInt64) {
    var random = SeededRandom(seed: seed)
    var parameters = ModelParameters()
    parameters.factors = factors
    parameters.seed = seed
    var numbers: [Float] = []
    numbers.reserveCapacity(count * factors)
    var progress = ProgressBar("model", unit: "movies", goal: .count(count))
    for movie in 0..<count {
      let vector = (0..<factors).map { _ in Float(random.normal()) }
      let norm = vector.reduce(0) { $0 + $1 * $1 }.squareRoot()
      let scale = lengths.length(at: (Double(movie) + 0.5) / Double(count)) / norm
      numbers += vector.map { $0 * scale }
      progress.update(movie + 1)
    }
    progress.close(count)
    published = PublishedModel(
      metadata: ModelMetadata(
        version: "", parameters: parameters, users: 1, movies: count, ratings: 144, meanRating: 3.5,
        newestRatingMilliseconds: 0, loss: 0),
      contents: FactorModel.Contents(
        movies: Array(1...Int64(count)), factors: numbers,
        scales: Array(repeating: 1, count: count), prior: Array(repeating: 0, count: factors),
        neighbours: Self.neighbours(count, parameters.neighbours, &random)))
  }

  /// The most rated movies have neighbours among themselves, as many as trained ones.
  private static func neighbours(_ count: Int, _ each: Int, _ random: inout SeededRandom)
    -> Neighbours
  {
    var neighbours = Neighbours()
    let most = min(count, 4096)
    for row in 0..<count {
      var rows: Set<Int> = []
      if row < most { for _ in 0..<each { rows.insert(random.below(most)) } }
      neighbours.append(rows.sorted().map { ($0, Float(0.01 * random.unit())) })
    }
    return neighbours
  }

  var model: FactorModel { published.model }

  /// Publishes and promotes it.
  func publish(to log: KafkaLog, _ topology: Topology) throws(LogError) {
    let publisher = try ModelPublisher(
      log, topology: topology, clientID: "projectionist-bench-model", transactionalID: nil)
    try publisher.write([
      .publish(published), .role(.serving, ModelPromotion(version: model.version)),
    ])
  }
}
