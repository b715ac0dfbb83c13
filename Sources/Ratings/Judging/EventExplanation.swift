import Codecs

/// Explains each rule that an event fails: what is wrong, and what to do. Only invalid events come
/// here, so it may take its time.
struct EventExplanation: ~Copyable {
  let columns: EventColumns
  let wrapping: EventDecoder.Wrapping
  let policy: IntakePolicy
  let rules: EventRules
  let recordTime: Int64

  /// - Parameter parser: has found the event's fields.
  func details(of failed: ExpectationSet, _ parser: borrowing FlatJSONParser) -> [EventDetail] {
    var details: [EventDetail] = []
    let strangers = parser.strangers(to: EventField.names.count)
    for expectation in failed {
      let field = Self.field(of: expectation)
      details.append(
        EventDetail(
          expectation, field: field.map { EventField.names[$0].description },
          value: field.flatMap { parser.excerpt($0) },
          message: message(expectation, field ?? EventField.user, parser, strangers)))
    }
    return details
  }

  /// Of a value that is no JSON object.
  ///
  /// - Parameters:
  ///   - used: what was accepted of it.
  ///   - refused: what would have had to be.
  static func detail(
    ofDocument value: RawSpan, error: JSONError, used: CoercionSet, refused: CoercionSet
  ) -> EventDetail {
    let fault = error.sentence(on: value, acceptsMark: used.contains(.byteOrderMark))
    let message =
      refused.isEmpty ? "the value \(fault)" : "the value is JSON, but \(Self.missing(refused))"
    return EventDetail(
      .valueIsObject, value: String(excerptOfTextOrBytes: value), message: message)
  }

  /// What the policy would have to accept.
  static func missing(_ coercions: CoercionSet) -> String {
    let names = coercions.names.joined(separator: ", ")
    return "intake.accept does not have \(names), which it needs"
  }

  static func field(of expectation: Expectation) -> Int? {
    let name = expectation.name.description
    guard let colon = name.firstIndex(of: ":") else { return nil }
    let column = name[name.index(after: colon)...]
    return EventField.names.firstIndex { $0.description == column }
  }

  private func message(
    _ expectation: Expectation, _ field: Int, _ parser: borrowing FlatJSONParser,
    _ strangers: [JSONStranger]
  ) -> String {
    let name = EventField.names[field].description
    switch expectation {
    case .userKeyUnique, .movieKeyUnique, .ratingKeyUnique, .timestampKeyUnique,
      .eventTypeKeyUnique, .genresKeyUnique, .sessionKeyUnique, .retractsKeyUnique:
      return "\(name) occurs more than once: keep one"
    case .userNotNull, .movieNotNull, .timestampNotNull, .ratingExists:
      return missingField(field, parser, strangers)
    case .userOfType, .movieOfType: return wrongNumber(field, "a whole number", parser)
    case .ratingOfType: return wrongNumber(field, "a number or null", parser)
    case .timestampOfType: return wrongTime(parser)
    case .eventTypeOfType, .sessionOfType, .retractsOfType:
      return "\(name) is \(kind(field, parser)): expected text"
    case .genresOfType:
      return "genres must be an array of strings, or a string with bars between the names"
    case .userBetween: return identifierBounds(columns.user, name)
    case .movieBetween: return identifierBounds(columns.movie, name)
    case .ratingBetween: return ratingBounds(parser)
    case .ratingMultipleOfHalf: return step()
    case .timestampParseable: return unreadableTime(parser)
    case .timestampBetween: return timeBounds(parser)
    default: return otherMessage(expectation, parser)
    }
  }

  private func otherMessage(_ expectation: Expectation, _ parser: borrowing FlatJSONParser)
    -> String
  {
    switch expectation {
    case .eventTypeInSet:
      let given = parser.excerpt(EventField.eventType) ?? ""
      let known = EventType.allCases.map(\.name.description)
      let hint = nearestName(to: given, among: known).map { "; did you mean \($0)?" } ?? ""
      let shown = given.allSatisfy(\.isWhitespace) ? "is blank, and" : given
      return "event_type \(shown) is not one of \(known.joined(separator: ", "))\(hint)"
    case .genreCount: return "genres has more than \(EventRules.maximumGenres) elements"
    case .genreLengths: return genreLengths()
    case .sessionLength:
      let length = columns.session.value?.utf8.count ?? 0
      let most = EventRules.maximumSessionBytes
      return "session_id has \(length) bytes, \(length - most) more than the \(most) allowed"
    case .retractsMatch:
      return "retracts must be PARTITION:OFFSET of the event in user-ratings, such as 3:1207"
    case .ratingNull:
      return "an event that retracts another one takes it back: its own rating must be null"
    default: return expectation.name.description
    }
  }

  private func genreLengths() -> String {
    let most = EventRules.maximumGenreBytes
    guard let long = columns.genres.value?.first(where: { $0.utf8.count > most }) else {
      return "genres has an empty name: leave it out"
    }
    let length = long.utf8.count
    let hint = long.contains { ",;".contains($0) } ? ": names have bars between them" : ""
    return "genre \(String(excerptOf: long)) has \(length) bytes, \(length - most) more than the"
      + " \(most) allowed\(hint)"
  }

  // MARK: Missing fields

  /// Names that others use for a field.
  private static let synonyms: [Int: [String]] = [
    EventField.user: [
      "user", "uid", "customer_id", "member_id", "reviewer_id", "account_id", "profile_id",
    ],
    EventField.movie: [
      "movie", "item_id", "item", "film_id", "film", "product_id", "mid", "title_id",
    ],
    EventField.rating: ["score", "stars", "value", "rate"],
    EventField.timestamp: [
      "ts", "time", "datetime", "date", "created_at", "updated_at", "event_time", "rated_at",
      "timestamp_ms", "unix_time", "epoch",
    ],
  ]

  private func missingField(
    _ field: Int, _ parser: borrowing FlatJSONParser, _ strangers: [JSONStranger]
  ) -> String {
    let name = EventField.names[field].description
    let what = parser.kind(field) == .null ? "\(name) is null" : "\(name) is missing"
    if let reason = unwrapped(strangers) { return "\(what): \(reason)" }
    if wrapping.isDelete {
      return "\(what) in `before`: it has to be part of the primary key, or the table's REPLICA"
        + " IDENTITY must be FULL"
    }
    guard parser.kind(field) == .absent else { return what }
    let keys = strangers.map(\.key)
    let candidates = [name] + (Self.synonyms[field] ?? [])
    // Closest to the name itself, then to what others call it.
    let sameLetters = keys.first { key in
      candidates.contains { foldedName($0) == foldedName(key) }
    }
    let close = keys.filter { nearestName(to: $0, among: [name]) != nil }
      .min { editDistance($0, name) < editDistance($1, name) }
    if let key = sameLetters ?? close {
      let isSpelling = policy.accepts.contains(.spelling) ? false : Self.isSpelling(key, of: name)
      let setting = isSpelling ? ", or add spelling to intake.accept" : ""
      return "\(what), but there is \(key): name it \(name)\(setting)"
    }
    return field == EventField.rating ? "\(what): null takes a rating back" : what
  }

  /// Whether the coercion `spelling` takes a key for a field.
  private static func isSpelling(_ key: String, of name: String) -> Bool {
    func plain(_ text: String) -> String { text.lowercased().filter { $0 != "_" && $0 != "-" } }
    return plain(key) == plain(name)
  }

  /// Why the event is not where its fields are looked for.
  private func unwrapped(_ strangers: [JSONStranger]) -> String? {
    if !wrapping.refused.isEmpty {
      return "the event is wrapped, and \(Self.missing(wrapping.refused))"
    }
    switch wrapping.problem {
    case .holdsNull(let field):
      return "`\(field)` is null"
        + (wrapping.isDelete ? ": the table's REPLICA IDENTITY must be FULL" : "")
    case .holdsText(let field, let text):
      let isObject = text.first == "{"
      return "`\(field)` holds text, not an object: \(isObject ? Self.twice : text)"
    case .holdsOther(let field, let excerpt):
      return "`\(field)` holds no object, but \(excerpt)"
    case .operation(let operation):
      return "the change's op is \(operation), which does not change a row"
    case nil: break
    }
    guard let holder = strangers.first(where: { $0.fieldsInside > 1 }) else { return nil }
    return switch holder.kind {
    case .array: "`\(holder.key)` is an array of events: send one a record"
    case .string: "`\(holder.key)` holds the event as text: \(Self.twice)"
    default: "the event is wrapped in `\(holder.key)`: send what is in it"
    }
  }

  private static let twice = "JSON inside a JSON string (encoded twice); encode it once"

  // MARK: Types

  private func kind(_ field: Int, _ parser: borrowing FlatJSONParser) -> String {
    switch parser.kind(field) {
    case .absent: "missing"
    case .null: "null"
    case .boolean: "true or false"
    case .integer, .unsigned, .real, .outOfRange: "a number"
    case .string: "text"
    case .array: "an array"
    case .object: "an object"
    }
  }

  private func wrongNumber(_ field: Int, _ expected: String, _ parser: borrowing FlatJSONParser)
    -> String
  {
    let name = EventField.names[field].description
    let what = "\(name) is \(kind(field, parser))"
    switch parser.kind(field) {
    case .real:
      return "\(name) \(parser.excerpt(field) ?? "") has a fraction: expected \(expected)"
    case .string:
      return "\(what), \(textHint(parser.string(field) ?? "")): expected \(expected)"
    case .object: return "\(what)\(objectHint(field, parser)): expected \(expected)"
    default: return "\(what): expected \(expected)"
    }
  }

  /// Whose way it is to write a plain value as an object.
  private func objectHint(_ field: Int, _ parser: borrowing FlatJSONParser) -> String {
    let text = parser.excerpt(field) ?? ""
    if text.hasPrefix("{\"$") { return ", as MongoDB's extended JSON has it" }
    if text.hasPrefix("{\"scale\":") { return ", as Debezium writes decimals\(Self.decimals)" }
    let types = ["long", "int", "double", "float", "string"]
    let isUnion = types.contains { text.hasPrefix("{\"\($0)\":") }
    return isUnion ? ", as Avro's JSON encoding has values of a union" : ""
  }

  private func wrongTime(_ parser: borrowing FlatJSONParser) -> String {
    let field = EventField.timestamp
    var hint = ""
    switch parser.kind(field) {
    case .object: hint = objectHint(field, parser)
    case .array: hint = ", as Jackson has it with WRITE_DATES_AS_TIMESTAMPS"
    default: break
    }
    return "timestamp is \(kind(field, parser))\(hint): expected seconds since 1970 or text in ISO"
      + " 8601"
  }

  private func textHint(_ text: String) -> String {
    if text.allSatisfy({ $0 == " " }) { return "and blank" }
    if JSONNumber(text: Array(text.utf8).span.bytes) != nil {
      return "and intake.accept does not have number_as_text"
    }
    let digits = text.filter { $0.isASCII && $0.isNumber }
    if digits.count == text.count { return "with leading zeros or too many digits" }
    if text.filter({ $0 == "," }).count == 1, digits.count == text.count - 1 {
      return "with a comma for the decimal point"
    }
    // Two digits are one byte, and one byte is four characters.
    if text.utf8.count == 4, text.hasSuffix("==") {
      return "and perhaps a decimal of Kafka Connect in Base64\(Self.decimals)"
    }
    return "and not a number"
  }

  /// What makes numbers of them.
  private static let decimals =
    " (Debezium: set decimal.handling.mode to double; JsonConverter: decimal.format to NUMERIC)"

  // MARK: Bounds

  private func identifierBounds(_ column: Column<Int64>, _ name: String) -> String {
    let most = "\(Int64.max)"
    guard let value = column.value else { return "\(name) is outside 0 to \(most) (2^63 - 1)" }
    return "\(name) \(value) is \(value.magnitude) below 0; ids are from 0 to \(most)"
  }

  private func ratingBounds(_ parser: borrowing FlatJSONParser) -> String {
    let (least, most) = (EventRules.ratings.lowerBound, EventRules.ratings.upperBound)
    guard let stars = columns.rating.value else {
      return "rating is outside \(least) to \(most)"
    }
    if stars < least {
      return "rating \(stars) is \(Self.decimal(least - stars)) below \(least); null takes a rating"
        + " back"
    }
    let scale =
      switch stars {
      case ...10: ": on a scale of ten points, divide by two"
      case ...100: ": on a scale of a hundred points, divide by twenty"
      default: ""
      }
    return "rating \(stars) is \(Self.decimal(stars - most)) above \(most)\(scale)"
  }

  private func step() -> String {
    let stars = columns.rating.value ?? .nan
    let nearest = (stars * 2).rounded() / 2
    let noise =
      abs(stars - nearest) <= EventCoercion.noise ? "; intake.accept does not have float_noise" : ""
    return
      "rating \(stars) is not a multiple of 0.5: it is \(Self.decimal(abs(stars - nearest))) from"
      + " \(nearest)\(noise)"
  }

  private func unreadableTime(_ parser: borrowing FlatJSONParser) -> String {
    let text = parser.string(EventField.timestamp) ?? ""
    var reason = "is not a time in the form 2024-01-15T11:30:00Z (ISO 8601), nor seconds since 1970"
    if JSONNumber(text: Array(text.utf8).span.bytes) != nil {
      reason = "is a number as text, and intake.accept does not have number_as_text"
    } else if text.allSatisfy({ $0 == " " }) {
      reason = "is blank: expected seconds since 1970 or ISO 8601"
    }
    return "timestamp \(String(excerptOf: text)) \(reason)"
  }

  private func timeBounds(_ parser: borrowing FlatJSONParser) -> String {
    guard let time = columns.time.value else { return unitMessage(parser) }
    let given = EventTime.representable.contains(time) ? EventTime.iso8601(time) : nil
    let shown = given ?? parser.excerpt(EventField.timestamp) ?? ""
    let first = EventRules.earliestTimeMilliseconds
    if time < first {
      let early = Self.seconds(first.subtractingReportingOverflow(time).partialValue)
      return "timestamp \(shown) is \(early) before 1995; expected seconds since 1970"
    }
    guard rules.bounds(recordTime: recordTime), time <= EventTime.representable.upperBound else {
      return unitMessage(parser)
    }
    var message =
      "timestamp \(shown) is \(Self.seconds(time - recordTime)) ahead of the record's"
      + " time \(EventTime.iso8601(recordTime)), and"
      + " \(EventRules.allowedLeadMilliseconds / 1000) s are allowed"
    if let unit = unit(parser) { message += "; the number is read as \(unit.name)" }
    if lacksZone(parser) {
      message += "; a time without a zone is read as \(policy.timeZone) (intake.time_zone)"
    }
    return message
  }

  /// Of a number that is no time in seconds.
  private func unitMessage(_ parser: borrowing FlatJSONParser) -> String {
    guard parser.kind(EventField.timestamp) != .outOfRange else {
      return "timestamp is too large a number: expected seconds since 1970"
    }
    let shown = parser.excerpt(EventField.timestamp) ?? ""
    guard let unit = unit(parser) else {
      return "timestamp \(shown) is not a time from 1995 to 9999 in seconds since 1970"
    }
    return "timestamp \(shown) looks like \(unit.name): expected seconds since 1970, or"
      + " \(unit.coercion.name) in intake.accept"
  }

  /// The unit that the number's magnitude stands for; `nil` for seconds and for what is no number.
  private func unit(_ parser: borrowing FlatJSONParser) -> EpochUnit? {
    let shown = parser.excerpt(EventField.timestamp) ?? ""
    let number = parser.double(EventField.timestamp) ?? Double(shown) ?? .nan
    return EpochUnit(of: number)
  }

  private func lacksZone(_ parser: borrowing FlatJSONParser) -> Bool {
    guard let text = parser.text(EventField.timestamp) else { return false }
    guard let reading = EventTime.reading(iso8601: text) else { return false }
    return reading.offset == nil
  }

  // MARK: Numbers

  /// `3,600 s`, or `0.25 s`.
  static func seconds(_ milliseconds: Int64) -> String {
    let whole = String(milliseconds.magnitude / 1000)
    var grouped = ""
    for (index, digit) in whole.enumerated() {
      if index > 0, (whole.count - index) % 3 == 0 { grouped += "," }
      grouped.append(digit)
    }
    let rest = milliseconds.magnitude % 1000
    guard rest > 0 else { return "\(grouped) s" }
    let digits = String(rest + 1000).dropFirst()
    return "\(grouped).\(digits) s"
  }

  /// A difference without the noise of binary fractions: six digits after the point at most.
  static func decimal(_ value: Double) -> String {
    guard value < 1e9, value >= 1e-6 else { return "\(value)" }
    return "\((value * 1e6).rounded() / 1e6)"
  }
}
