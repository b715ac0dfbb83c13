import Foundation

/// A record of `recommendations`, read back.
package struct ReplyRecord: Decodable {
  package struct Failure: Decodable {
    package var code: String
    package var message: String
  }

  package struct Movie: Decodable, Hashable, Sendable {
    enum CodingKeys: String, CodingKey {
      case movieID = "movieId"
      case title, genres, score
    }

    package var movieID: Int64
    package var title: String
    package var genres: String
    package var score: Double
  }

  package struct Rated: Decodable {
    enum CodingKeys: String, CodingKey {
      case movieID = "movieId"
      case title, genres, rating
    }

    package var movieID: Int64
    package var title: String
    package var genres: String
    package var rating: Double
  }

  /// What was asked for.
  package struct Request: Decodable {
    var numRecommendations: Int
    var excludeRated: Bool
    var genres: [String]
  }

  package var error: Failure?
  var userID: Int64?
  package var recommendations: [Movie]?
  package var strategy: String?
  /// Earlier versions did not name it.
  package var scoreType: String?
  /// In percent; only where a list was diversified.
  var diversity: Int?
  package var reason: String?
  package var modelVersion: String?
  package var stateOffset: Int64?
  /// Earlier versions did not name them.
  var stateRules: Int?
  /// Only of personal lists; earlier versions did not name them.
  var catalogOffsets: [Int64]?
  /// Earlier versions did not name it.
  var requestTimeMs: Int64?
  package var history: [Rated]?
  package var request: Request?
  package var latencyMs: Double?

  private enum CodingKeys: String, CodingKey {
    case error
    case userID = "userId"
    case recommendations, strategy, scoreType, diversity, reason, modelVersion, stateOffset,
      stateRules
    case catalogOffsets, requestTimeMs, history, request, latencyMs
  }

  package init(_ value: [UInt8]) throws {
    let decoder = JSONDecoder()
    decoder.keyDecodingStrategy = .convertFromSnakeCase
    self = try decoder.decode(ReplyRecord.self, from: Data(value))
  }
}
