public import Codecs

/// A record of `recommendation-requests`.
public struct RecommendationRequest: Hashable, Sendable {
  public static let allowedCounts = 1...100
  public static let defaultCount = 10
  /// The most genres in one request.
  public static let maximumGenres = 64
  /// In bytes of UTF-8.
  public static let maximumModelVersionLength = 128

  public var user: Int64
  /// How many movies are wanted, within `allowedCounts`.
  public var count: Int
  /// Whether movies the user has rated are left out.
  public var excludesRated: Bool
  /// Only movies with at least one of these genres are wanted; empty for all movies. Compared
  /// without regard to case.
  public var genres: [String]
  /// Whether the reply includes the user's best-rated movies.
  public var includesHistory: Bool
  /// The model to answer with; `nil` for the promoted one.
  public var modelVersion: String?

  public init(
    user: Int64, count: Int = defaultCount, excludesRated: Bool = true, genres: [String] = [],
    includesHistory: Bool = false, modelVersion: String? = nil
  ) {
    self.user = user
    self.count = count
    self.excludesRated = excludesRated
    self.genres = genres
    self.includesHistory = includesHistory
    self.modelVersion = modelVersion
  }

  /// Writes the request as a client does: fields with default values are left out.
  public func write(to writer: inout JSONWriter) {
    writer.beginObject()
    writer.key("user_id")
    writer.integer(user)
    writer.key("num_recommendations")
    writer.integer(count)
    if !excludesRated {
      writer.key("exclude_rated")
      writer.boolean(false)
    }
    if !genres.isEmpty {
      writer.key("genres")
      writer.strings(genres)
    }
    if includesHistory {
      writer.key("include_history")
      writer.boolean(true)
    }
    if let modelVersion {
      writer.key("model_version")
      writer.string(modelVersion)
    }
    writer.endObject()
  }
}

extension JSONWriter {
  /// Writes an array of strings.
  mutating func strings(_ values: [String]) {
    beginArray()
    for value in values { string(value) }
    endArray()
  }
}
