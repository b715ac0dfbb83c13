import Codecs
import Ratings
import Recommender
import TestSupport

@testable import MLflow

/// The topic `models` of a test, with small models of made-up numbers.
struct LogOfModels {
  private(set) var ledger = ModelLedger()
  private(set) var models: [String: FactorModel] = [:]

  /// The same model for the same number.
  static func model(_ number: Int, movies: Int = 40, factors: Int = 4) -> PublishedModel {
    var random = SeededGenerator(seed: UInt64(number))
    var parameters = ModelParameters()
    parameters.factors = factors
    let contents = FactorModel.Contents.madeUp(
      movies: (1...Int64(movies)).map { $0 * 3 }, factors: factors
    ) { Float.random(in: -1...1, using: &random) }
    guard let rating = HalfStars(stars: 4.5) else { preconditionFailure("4.5 stars are a rating") }
    let sample = ListSample(
      user: 7,
      ratings: [
        MovieRating(
          movie: 3, rating: TimedRating(rating: rating, timeMilliseconds: 1_000))
      ], recommended: [ScoredMovie(movie: 6, score: 0.25)])
    return PublishedModel(
      metadata: ModelMetadata(
        version: "", parameters: parameters, trainedTo: [Int64(number), 5], users: 10,
        movies: movies, ratings: 100, meanRating: 3.5, newestRatingMilliseconds: 86_400_000,
        loss: 0.25, epochLosses: [0.5, 0.25],
        doubts: (0..<factors).map { Double($0) / Double(factors) }, samples: [sample]),
      contents: contents)
  }

  mutating func publish(_ model: PublishedModel) {
    models[model.model.version] = model.model
    model.forEachRecord { key, value in
      let text = Array(key.text.utf8)
      ledger.take(key: text.span.bytes, value: value, milliseconds: 1_700_000_000_000)
    }
  }

  mutating func put(_ key: String, _ value: String?) {
    let key = Array(key.utf8)
    guard let value else {
      return ledger.take(key: key.span.bytes, value: nil, milliseconds: 1)
    }
    let bytes = Array(value.utf8)
    ledger.take(key: key.span.bytes, value: bytes.span.bytes, milliseconds: 1)
  }

  mutating func give(_ role: ModelLedger.Role, to version: String?) {
    put(role.key, version.map { #"{"version":"\#($0)"}"# })
  }

  var source: MLflowSync.Source {
    MLflowSync.Source(model: { models[$0] }, titles: { _ in [3: "Heat", 6: "Alien"] })
  }
}
