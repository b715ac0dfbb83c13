/// A record of `recommendation-requests`.
public struct RecommendationRequest: Hashable, Sendable {
  public static let allowedCounts = 1...100
  public static let defaultCount = 10

  public var user: Int64
  /// How many movies are asked for, within `allowedCounts`.
  public var count: Int

  public init(user: Int64, count: Int = defaultCount) {
    self.user = user
    self.count = count
  }
}

/// Why a request gets an error reply.
public struct RequestError: Error, Hashable, Sendable {
  /// For programs: `invalid_json`, `missing_user_id`, `invalid_user_id`,
  /// `invalid_num_recommendations`, or what the caller names.
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
/// `{"user_id":100,"num_recommendations":10}`. Other fields are ignored.
public struct RequestParser: ~Copyable, Sendable {
  private var parser = FlatJSONParser(fields: ["user_id", "num_recommendations"])

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
    return RecommendationRequest(user: user, count: try count(user: user))
  }

  private func user() throws(RequestError) -> Int64 {
    if parser.kind(0) == .absent || parser.kind(0) == .null {
      throw RequestError(code: "missing_user_id", message: "The request names no user_id.")
    }
    guard !parser.isDuplicate(0), let user = parser.integralNumber(0), user >= 0 else {
      throw RequestError(
        code: "invalid_user_id",
        message: "user_id must be given once, as an integer from 0 to \(Int64.max).")
    }
    return user
  }

  private func count(user: Int64) throws(RequestError) -> Int {
    if parser.kind(1) == .absent || parser.kind(1) == .null {
      return RecommendationRequest.defaultCount
    }
    let allowed = RecommendationRequest.allowedCounts
    guard !parser.isDuplicate(1), let count = parser.integralNumber(1).flatMap(Int.init(exactly:)),
      allowed.contains(count)
    else {
      throw RequestError(
        code: "invalid_num_recommendations",
        message: "num_recommendations must be given once, as an integer from"
          + " \(allowed.lowerBound) to \(allowed.upperBound).",
        user: user)
    }
    return count
  }
}

extension FlatJSONParser {
  /// The value if it is a number within `Int64` without a fraction, such as 7 or 7.0.
  func integralNumber(_ field: Int) -> Int64? {
    if kind(field) == .real { return double(field).flatMap { Int64(exactly: $0) } }
    return integer(field)
  }
}
