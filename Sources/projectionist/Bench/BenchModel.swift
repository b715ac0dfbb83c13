import EventLog
import Foundation
import KafkaLog
import Pipeline
import Recommender

/// A model of made-up factors: the speed of serving does not depend on what they say.
struct BenchModel {
  let published: PublishedModel

  /// - Parameters:
  ///   - movies: 1 to this.
  ///   - factors: the length of a movie's vector.
  init(movies count: Int, factors: Int, seed: UInt64) {
    var random = SeededRandom(seed: seed)
    var parameters = ModelParameters()
    parameters.factors = factors
    parameters.seed = seed
    // As long as trained ones are: about 1.
    let width = (12 / Float(factors)).squareRoot()
    let numbers = (0..<count * factors).map { _ in Float(random.unit() - 0.5) * width }
    published = PublishedModel(
      metadata: ModelMetadata(
        version: "", parameters: parameters, users: 1, movies: count, ratings: 144,
        newestRatingMilliseconds: 0, loss: 0),
      movies: Array(1...Int64(count)), factors: numbers)
  }

  var model: FactorModel { published.model }

  /// Publishes and promotes it.
  func publish(to log: KafkaLog) throws(LogError) {
    let publisher = try ModelPublisher(
      log, clientID: "projectionist-bench-model", transactionalID: nil)
    try publisher.publish(published)
    try publisher.promote(ModelPromotion(version: model.version))
  }
}
