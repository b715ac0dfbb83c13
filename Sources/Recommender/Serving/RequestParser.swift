import Codecs
import Ratings

/// Reads records of `recommendation-requests`:
/// `{"user_id":100,"num_recommendations":10,"genres":["Comedy"]}`. Unknown fields are ignored, and
/// null counts as absent. Fields may be spelled as in other languages (`userId`), and numbers and
/// flags may be text.
public struct RequestParser: ~Copyable, Sendable {
  private enum Field: Int, CaseIterable {
    case user
    case count
    case excludesRated
    case genres
    case includesHistory
    case modelVersion
    case asOf

    var name: StaticString {
      switch self {
      case .user: "user_id"
      case .count: "num_recommendations"
      case .excludesRated: "exclude_rated"
      case .genres: "genres"
      case .includesHistory: "include_history"
      case .modelVersion: "model_version"
      case .asOf: "as_of"
      }
    }
  }

  private var parser = FlatJSONParser(fields: Field.allCases.map(\.name))

  public init() { parser.readLoosely(true) }

  /// - Parameter value: the record's value, with or without a schema prefix or a byte order mark;
  ///   `nil` for null.
  public mutating func parse(_ value: RawSpan?) throws(RequestError) -> RecommendationRequest {
    guard let value, value.byteCount > 0 else {
      throw RequestError(code: "invalid_json", message: "The request has no value.")
    }
    let payload = WireFormat.payload(of: value)
    let hasMark = payload.begins(with: byteOrderMark)
    do throws(JSONError) {
      try parser.parse(hasMark ? payload.extracting(byteOrderMark.count...) : payload)
    } catch {
      throw RequestError(
        code: "invalid_json",
        message: "The request is not a JSON object: the value \(error.sentence(on: value)).")
    }
    let user = try user()
    do throws(RequestError) {
      try refuseAsOf()
      return RecommendationRequest(
        user: user, count: try count(), excludesRated: try flag(.excludesRated, default: true),
        genres: try genres(), includesHistory: try flag(.includesHistory, default: false),
        modelVersion: try modelVersion())
    } catch {
      var error = error
      error.user = user
      throw error
    }
  }

  private func isGiven(_ field: Field) -> Bool {
    let kind = parser.kind(field.rawValue)
    return kind != .absent && kind != .null
  }

  // MARK: Fields

  private func user() throws(RequestError) -> Int64 {
    guard isGiven(.user) else {
      throw RequestError(
        code: "missing_user_id", message: "The request names no user_id\(otherNames()).")
    }
    guard let user = wholeNumber(.user), user >= 0 else {
      throw invalid(.user, "a whole number from 0 to \(Int64.max)")
    }
    return user
  }

  private func count() throws(RequestError) -> Int {
    guard isGiven(.count) else { return RecommendationRequest.defaultCount }
    let allowed = RecommendationRequest.allowedCounts
    guard let count = wholeNumber(.count).flatMap(Int.init(exactly:)), allowed.contains(count)
    else {
      throw invalid(.count, "a whole number from \(allowed.lowerBound) to \(allowed.upperBound)")
    }
    return count
  }

  private func flag(_ field: Field, default value: Bool) throws(RequestError) -> Bool {
    guard isGiven(field) else { return value }
    guard !parser.isDuplicate(field.rawValue),
      let flag = parser.boolean(field.rawValue)
        ?? parser.string(field.rawValue).flatMap({ Bool($0.lowercased()) })
    else { throw invalid(field, "true or false") }
    return flag
  }

  private func modelVersion() throws(RequestError) -> String? {
    let field = Field.modelVersion
    guard isGiven(field) else { return nil }
    let lengths = 1...RecommendationRequest.maximumModelVersionLength
    guard !parser.isDuplicate(field.rawValue), let text = parser.text(field.rawValue),
      lengths.contains(text.byteCount)
    else { throw invalid(field, "a text of 1 to \(lengths.upperBound) bytes") }
    return String(copyingUTF8: text)
  }

  /// Names as an array, or as one text with bars or commas between them.
  private func genres() throws(RequestError) -> [String] {
    let field = Field.genres
    let limit = RecommendationRequest.maximumGenres
    guard isGiven(field) else { return [] }
    var genres: [String] = []
    var isValid = !parser.isDuplicate(field.rawValue)
    switch parser.kind(field.rawValue) {
    case .string:
      genres = GenreNames.list(parser.string(field.rawValue) ?? "")
      isValid = isValid && !genres.isEmpty && genres.count <= limit
    case .array:
      let count = parser.forEachElement(field.rawValue, limit: limit) { _, text in
        guard let text, text.byteCount > 0 else { return isValid = false }
        // As a movie has them: no name has bars in it.
        let names = String(copyingUTF8: text).split(separator: "|")
        genres += names.map { String($0) }
        if names.isEmpty { isValid = false }
      }
      isValid = isValid && count <= limit && genres.count <= limit
    default:
      isValid = false
    }
    guard isValid else {
      throw invalid(
        field,
        "at most \(limit) names, in an array or in one text with bars or commas between them")
    }
    return genres
  }

  private func refuseAsOf() throws(RequestError) {
    guard isGiven(.asOf) else { return }
    throw RequestError(
      code: "as_of_unsupported",
      message: "Answers are computed from the current state. To answer from an earlier one, replay"
        + " the log up to that time, as `projectionist explain` does for a past prediction.")
  }

  /// A whole number such as 7, 7.0 or "7"; `nil` for any other value, and if it is given twice.
  private func wholeNumber(_ field: Field) -> Int64? {
    guard !parser.isDuplicate(field.rawValue) else { return nil }
    guard let text = parser.string(field.rawValue) else {
      return parser.integralNumber(field.rawValue)
    }
    // Beyond 2^53 a fraction of zero would not be known to be one.
    return Int64(text)
      ?? Double(text).flatMap { $0.magnitude < 0x1p53 ? Int64(exactly: $0) : nil }
  }

  // MARK: Errors

  private func invalid(_ field: Field, _ expectation: String) -> RequestError {
    let value = parser.excerpt(field.rawValue) ?? ""
    let shown = parser.kind(field.rawValue) == .string ? "the text \"\(value)\"" : value
    let fault = parser.isDuplicate(field.rawValue) ? "and it is there twice" : "not \(shown)"
    return RequestError(
      code: "invalid_\(field.name)",
      message: "\(field.name) must be given once, as \(expectation), \(fault).")
  }

  /// What the request has in place of a user, to follow "no user_id".
  private func otherNames() -> String {
    if parser.kind(Field.user.rawValue) == .null { return ": it is null" }
    let strangers = parser.strangers(limit: 16)
    if let wrapper = strangers.first(where: { $0.fieldsInside > 0 }) {
      return ": its fields are inside of \(wrapper.key), and must be outside"
    }
    let meant = strangers.first { nearestName(to: $0.key, among: ["user_id"]) != nil }
    if let meant { return ": call the field \(meant.key) user_id" }
    let names = strangers.prefix(5).map(\.key).joined(separator: ", ")
    return names.isEmpty ? "" : ", only \(names)"
  }
}

extension FlatJSONParser {
  /// The value if it is a whole number within `Int64`, such as 7 or 7.0.
  func integralNumber(_ field: Int) -> Int64? {
    if kind(field) == .real { return double(field).flatMap { Int64(exactly: $0) } }
    return integer(field)
  }
}
