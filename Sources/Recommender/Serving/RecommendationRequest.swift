public import Codecs
import Ratings

/// A record of `recommendation-requests`.
public struct RecommendationRequest: Hashable, Sendable {
  public static let allowedCounts = 1...100
  public static let defaultCount = 10
  /// More genres than this can't be asked for at once.
  public static let maximumGenres = 64
  /// In bytes of UTF-8.
  public static let maximumModelVersionLength = 128

  public var user: Int64
  /// How many movies are asked for, within `allowedCounts`.
  public var count: Int
  /// Whether movies that the user has rated are left out.
  public var excludesRated: Bool
  /// Only movies with at least one of these are wanted; empty for all movies. Compared without
  /// regard to the case of ASCII letters.
  public var genres: [String]
  /// Whether the reply shall have the user's best-rated movies.
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

  /// Writes the request as a client does: what is as by default is left out.
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

/// Why a request gets an error reply.
public struct RequestError: Error, Hashable, Sendable {
  /// For programs: `invalid_json`, `missing_user_id`, `invalid_` and a field's name,
  /// `as_of_unsupported`, or what the caller names.
  public var code: String
  /// One sentence for a person.
  public var message: String
  /// The user asked for, if that much could be read.
  public var user: Int64?

  public init(code: String, message: String, user: Int64? = nil) {
    self.code = code
    self.message = message
    self.user = user
  }
}

/// Reads records of `recommendation-requests`:
/// `{"user_id":100,"num_recommendations":10,"genres":["Comedy"]}`. Fields it does not know are
/// ignored, and null is as good as absent.
public struct RequestParser: ~Copyable, Sendable {
  private enum Field {
    static let user = 0
    static let count = 1
    static let excludesRated = 2
    static let genres = 3
    static let includesHistory = 4
    static let modelVersion = 5
    static let asOf = 6
    static let names: [StaticString] = [
      "user_id", "num_recommendations", "exclude_rated", "genres", "include_history",
      "model_version", "as_of",
    ]
  }

  private var parser = FlatJSONParser(fields: Field.names)

  public init() {}

  /// - Parameter value: the record's value, with or without a schema prefix; `nil` for null.
  public mutating func parse(_ value: RawSpan?) throws(RequestError) -> RecommendationRequest {
    guard let value, value.byteCount > 0 else {
      throw RequestError(code: "invalid_json", message: "The request has no value.")
    }
    do throws(JSONError) {
      try parser.parse(WireFormat.payload(of: value))
    } catch {
      throw RequestError(
        code: "invalid_json", message: "The request is not a JSON object: \(error.message)")
    }
    let user = try user()
    do throws(RequestError) {
      try refuseAsOf()
      return RecommendationRequest(
        user: user, count: try count(),
        excludesRated: try flag(Field.excludesRated, default: true), genres: try genres(),
        includesHistory: try flag(Field.includesHistory, default: false),
        modelVersion: try modelVersion())
    } catch {
      var error = error
      error.user = user
      throw error
    }
  }

  private func isGiven(_ field: Int) -> Bool {
    parser.kind(field) != .absent && parser.kind(field) != .null
  }

  private func invalid(_ field: Int, _ expectation: String) -> RequestError {
    RequestError(
      code: "invalid_\(Field.names[field])",
      message: "\(Field.names[field]) must be given once, as \(expectation).")
  }

  private func user() throws(RequestError) -> Int64 {
    guard isGiven(Field.user) else {
      throw RequestError(code: "missing_user_id", message: "The request names no user_id.")
    }
    guard !parser.isDuplicate(Field.user), let user = parser.integralNumber(Field.user), user >= 0
    else { throw invalid(Field.user, "an integer from 0 to \(Int64.max)") }
    return user
  }

  private func count() throws(RequestError) -> Int {
    guard isGiven(Field.count) else { return RecommendationRequest.defaultCount }
    let allowed = RecommendationRequest.allowedCounts
    guard !parser.isDuplicate(Field.count),
      let count = parser.integralNumber(Field.count).flatMap(Int.init(exactly:)),
      allowed.contains(count)
    else {
      throw invalid(Field.count, "an integer from \(allowed.lowerBound) to \(allowed.upperBound)")
    }
    return count
  }

  private func flag(_ field: Int, default value: Bool) throws(RequestError) -> Bool {
    guard isGiven(field) else { return value }
    guard !parser.isDuplicate(field), let flag = parser.boolean(field) else {
      throw invalid(field, "true or false")
    }
    return flag
  }

  private func modelVersion() throws(RequestError) -> String? {
    guard isGiven(Field.modelVersion) else { return nil }
    let lengths = 1...RecommendationRequest.maximumModelVersionLength
    guard !parser.isDuplicate(Field.modelVersion), let text = parser.text(Field.modelVersion),
      lengths.contains(text.byteCount)
    else { throw invalid(Field.modelVersion, "a text of 1 to \(lengths.upperBound) bytes") }
    return String(copyingUTF8: text)
  }

  /// Names as an array, or as one text with bars between them.
  private func genres() throws(RequestError) -> [String] {
    let field = Field.genres
    let limit = RecommendationRequest.maximumGenres
    var genres: [String] = []
    guard isGiven(field) else { return genres }
    var isValid = !parser.isDuplicate(field)
    switch parser.kind(field) {
    case .string:
      if let text = parser.text(field), text.byteCount > 0 {
        _ = text.forEachPart(separator: UInt8(ascii: "|"), limit: limit + 1) {
          if $0.byteCount > 0 { genres.append(String(copyingUTF8: $0)) }
        }
      }
      isValid = isValid && !genres.isEmpty && genres.count <= limit
    case .array:
      let count = parser.forEachElement(field, limit: limit) { _, text in
        if let text, text.byteCount > 0 {
          genres.append(String(copyingUTF8: text))
        } else {
          isValid = false
        }
      }
      isValid = isValid && count <= limit
    default:
      isValid = false
    }
    guard isValid else {
      throw invalid(
        field, "at most \(limit) names, in an array or in one text with bars between them")
    }
    return genres
  }

  private func refuseAsOf() throws(RequestError) {
    guard isGiven(Field.asOf) else { return }
    throw RequestError(
      code: "as_of_unsupported",
      message: "Answers are computed from the present state; for an earlier one replay the log up"
        + " to that time, as `projectionist explain` does for a prediction that was made.")
  }
}

extension FlatJSONParser {
  /// The value if it is a number within `Int64` without a fraction, such as 7 or 7.0.
  func integralNumber(_ field: Int) -> Int64? {
    if kind(field) == .real { return double(field).flatMap { Int64(exactly: $0) } }
    return integer(field)
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
