import EventLog
import Foundation
import KafkaLog
import Pipeline
import Recommender

/// A model of made-up factors: the speed of serving does not depend on what they say.
struct BenchModel {
  private static let flushTimeout = Duration.seconds(60)

  let published: PublishedModel

  /// - Parameters:
  ///   - movies: 1 to this.
  ///   - factors: the length of a movie's vector.
  init(movies count: Int, factors: Int, seed: UInt64) {
    var random = SplitMix(seed: seed)
    var parameters = ModelParameters()
    parameters.factors = factors
    parameters.seed = seed
    // As long as trained ones are: about 1.
    let width = (12 / Float(factors)).squareRoot()
    let numbers = (0..<count * factors).map { _ in (random.fraction() - 0.5) * width }
    published = PublishedModel(
      metadata: ModelMetadata(
        version: "", parameters: parameters, users: 0, movies: count, ratings: 0,
        newestRatingMilliseconds: 0, loss: 0),
      movies: Array(1...Int64(count)), factors: numbers)
  }

  var model: FactorModel { published.model }

  /// Publishes and promotes it.
  func publish(to log: KafkaLog) throws {
    let producer = try log.makeProducer(
      ProducerConfiguration(
        topics: [Topics.models], delivery: .idempotent, clientID: "projectionist-bench-model"))
    defer { producer.close() }
    try published.forEachRecord { (key, value) throws(LogError) in
      try Self.send(key, value, by: producer)
    }
    var writer = JSONWriter()
    ModelPromotion(version: model.version).write(to: &writer)
    try Self.send(.promotion, writer.bytes, by: producer)
    try producer.flush(timeout: Self.flushTimeout)
  }

  private static func send(_ key: ModelKey, _ value: RawSpan, by producer: KafkaProducer)
    throws(LogError)
  {
    let key = Array(key.text.utf8)
    try producer.send(topic: 0, key: key.span.bytes, value: value)
  }
}

/// SplitMix64 (Steele et al. 2014).
struct SplitMix: RandomNumberGenerator {
  private var state: UInt64

  init(seed: UInt64) {
    state = seed
  }

  mutating func next() -> UInt64 {
    state &+= 0x9E37_79B9_7F4A_7C15
    var mixed = state
    mixed = (mixed ^ (mixed >> 30)) &* 0xBF58_476D_1CE4_E5B9
    mixed = (mixed ^ (mixed >> 27)) &* 0x94D0_49BB_1331_11EB
    return mixed ^ (mixed >> 31)
  }

  /// 0 to 1, without 1.
  mutating func fraction() -> Float { Float(next() >> 40) * 0x1p-24 }
}
