import Foundation

/// A decoded record of `recommendations`.
struct ReplyRecord: Decodable {
  struct Failure: Decodable {
    var code: String
    var message: String
  }

  struct Movie: Decodable, Hashable, Sendable {
    enum CodingKeys: String, CodingKey {
      case movieID = "movieId"
      case title, genres, score
    }

    var movieID: Int64
    var title: String
    var genres: String
    var score: Double
  }

  struct Rated: Decodable {
    enum CodingKeys: String, CodingKey {
      case movieID = "movieId"
      case title, genres, rating
    }

    var movieID: Int64
    var title: String
    var genres: String
    var rating: Double
  }

  /// The request that the reply repeats.
  struct Request: Decodable {
    var numRecommendations: Int
    var excludeRated: Bool
    var genres: [String]
  }

  var error: Failure?
  var userID: Int64?
  var recommendations: [Movie]?
  var strategy: String?
  var reason: String?
  var modelVersion: String?
  var stateOffset: Int64?
  var history: [Rated]?
  var request: Request?
  var latencyMs: Double?

  private enum CodingKeys: String, CodingKey {
    case error
    case userID = "userId"
    case recommendations, strategy, reason, modelVersion, stateOffset, history, request, latencyMs
  }

  init(_ value: [UInt8]) throws {
    let decoder = JSONDecoder()
    decoder.keyDecodingStrategy = .convertFromSnakeCase
    self = try decoder.decode(ReplyRecord.self, from: Data(value))
  }
}
