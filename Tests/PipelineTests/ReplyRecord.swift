import Foundation
import Simulation
import Testing

/// A reply, or a shadow's, read back from its record.
struct ReplyRecord: Decodable {
  struct Entry: Decodable, Equatable {
    var movieId: Int64
    var title: String
    var genres: String
    var score: Double
  }

  struct Rated: Decodable {
    var movieId: Int64
    var title: String
    var genres: String
    var rating: Double
    var timestampMs: Int64
  }

  struct Features: Decodable {
    var ratingCount: Int
    var ratingMean: Double
    var favoriteGenre: String?
    var knownRatingCount: Int
  }

  struct Request: Decodable {
    var numRecommendations: Int
    var excludeRated: Bool
    var genres: [String]
  }

  struct Failure: Decodable {
    var code: String
    var message: String
  }

  var userId: Int64?
  var recommendations: [Entry]?
  var count: Int?
  var strategy: String?
  var reason: String?
  var modelVersion: String?
  var stateOffset: Int64?
  var requestTimeMs: Int64?
  var catalogOffsets: [Int64]?
  var diversity: Int?
  var features: Features?
  var history: [Rated]?
  var request: Request?
  var liveModelVersion: String?
  var overlapAt10: Double?
  var error: Failure?

  init(_ record: MemoryRecord) throws {
    let decoder = JSONDecoder()
    decoder.keyDecodingStrategy = .convertFromSnakeCase
    self = try decoder.decode(ReplyRecord.self, from: Data(try #require(record.value)))
  }
}
