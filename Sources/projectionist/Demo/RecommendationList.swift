import Foundation

/// A reply of `recommendations`, as a client reads it.
struct RecommendationList: Decodable, Hashable, Sendable {
  struct Movie: Hashable, Sendable {
    var id: Int64
    var title: String
    var genres: String
    var score: Double
  }

  struct Failure: Decodable, Hashable, Sendable {
    var code: String
    var message: String
  }

  var movies: [Movie]?
  var strategy: String?
  var latencyMilliseconds: Double?
  /// Set instead of the others.
  var error: Failure?

  init(_ reply: [UInt8]) throws {
    self = try JSONDecoder().decode(Self.self, from: Data(reply))
  }

  private enum CodingKeys: String, CodingKey {
    case movies = "recommendations"
    case strategy
    case latencyMilliseconds = "latency_ms"
    case error
  }
}

extension RecommendationList.Movie: Decodable {
  private enum CodingKeys: String, CodingKey {
    case id = "movie_id"
    case title
    case genres
    case score
  }
}
