import Codecs

/// The step from the fields that a parser has found to an event's columns: what producers write
/// otherwise is read as what they mean, as far as the policy accepts it.
struct EventCoercion: Sendable {
  /// A rating this close to a half step is meant to be on it; single precision leaves less.
  static let noise = 1e-6

  let accepts: CoercionSet
  private let zone: ZoneOffsets
  /// What was needed since the last `begin()`.
  var used = CoercionSet()

  init(accepts: CoercionSet, zone: ZoneOffsets) {
    self.accepts = accepts
    self.zone = zone
  }

  /// Forgets the event before.
  mutating func begin() { used = [] }

  /// Notes a coercion if the policy accepts it, and returns whether it does.
  mutating func use(_ coercion: Coercion) -> Bool {
    guard accepts.contains(coercion) else { return false }
    used.insert(coercion)
    return true
  }

  mutating func columns(of parser: borrowing FlatJSONParser) -> EventColumns {
    var columns = EventColumns()
    columns.user = identifier(EventField.user, parser)
    columns.movie = identifier(EventField.movie, parser)
    columns.rating = rating(parser)
    columns.time = time(parser)
    columns.repeated = parser.repeatedFields
    columns.hasRare = parser.presentFields & EventField.rare != 0
    if columns.hasRare { takeRare(parser, &columns) }
    return columns
  }

  // MARK: Numbers

  private mutating func number(_ field: Int, _ parser: borrowing FlatJSONParser) -> JSONNumber? {
    guard accepts.contains(.numberAsText), let text = parser.text(field),
      let number = JSONNumber(text: text)
    else { return nil }
    used.insert(.numberAsText)
    return number
  }

  /// A whole number, such as 7 or 7.0.
  private mutating func identifier(_ field: Int, _ parser: borrowing FlatJSONParser)
    -> Column<Int64>
  {
    switch parser.kind(field) {
    case .absent: return .absent
    case .null: return .null
    case .integer: return parser.integer(field).map { .value($0) } ?? .outOfRange
    case .real: return Self.whole(parser.double(field) ?? .nan)
    case .unsigned, .outOfRange: return .outOfRange
    case .string:
      switch number(field, parser) {
      case .integer(let number): return .value(number)
      case .real(let number): return Self.whole(number)
      case .outOfRange: return .outOfRange
      case nil: return .ofOtherType
      }
    default: return .ofOtherType
    }
  }

  private static func whole(_ number: Double) -> Column<Int64> {
    if let whole = Int64(exactly: number) { return .value(whole) }
    return number == number.rounded() ? .outOfRange : .ofOtherType
  }

  private mutating func rating(_ parser: borrowing FlatJSONParser) -> Column<Double> {
    switch parser.kind(EventField.rating) {
    case .absent: return .absent
    case .null: return .null
    case .integer, .unsigned, .real:
      return .value(onStep(parser.double(EventField.rating) ?? .nan))
    case .outOfRange: return .outOfRange
    case .string:
      switch number(EventField.rating, parser) {
      case .integer(let number): return .value(Double(number))
      case .real(let number): return .value(onStep(number))
      case .outOfRange: return .outOfRange
      case nil: return .ofOtherType
      }
    default: return .ofOtherType
    }
  }

  private mutating func onStep(_ stars: Double) -> Double {
    let step = (stars * 2).rounded() / 2
    if stars == step { return stars }
    guard abs(stars - step) <= Self.noise, use(.floatNoise) else { return stars }
    return step
  }

  // MARK: Times

  private mutating func time(_ parser: borrowing FlatJSONParser) -> Column<Int64> {
    switch parser.kind(EventField.timestamp) {
    case .absent: return .absent
    case .null: return .null
    case .integer:
      return epoch(parser.integer(EventField.timestamp) ?? 0)
    case .real:
      return epoch(parser.double(EventField.timestamp) ?? .nan)
    case .unsigned, .outOfRange:
      return .outOfRange
    case .string:
      guard let text = parser.text(EventField.timestamp) else { return .unreadable }
      if let time = EventTime.milliseconds(iso8601: text, zone: zone) { return .value(time) }
      switch number(EventField.timestamp, parser) {
      case .integer(let number): return epoch(number)
      case .real(let number): return epoch(number)
      case .outOfRange: return .outOfRange
      case nil: return .unreadable
      }
    default: return .ofOtherType
    }
  }

  private mutating func epoch(_ number: Int64) -> Column<Int64> {
    if number <= EpochUnit.lastSecond {
      let (milliseconds, overflows) = number.multipliedReportingOverflow(by: 1000)
      return overflows ? .outOfRange : .value(milliseconds)
    }
    guard let unit = EpochUnit(of: Double(number)), use(unit.coercion) else { return .outOfRange }
    return .value(number / unit.perMillisecond)
  }

  private mutating func epoch(_ number: Double) -> Column<Int64> {
    var milliseconds = number * 1000
    if number >= Double(EpochUnit.lastSecond + 1) {
      guard let unit = EpochUnit(of: number), use(unit.coercion) else { return .outOfRange }
      milliseconds = number / Double(unit.perMillisecond)
    }
    return Int64(exactly: milliseconds.rounded()).map { .value($0) } ?? .outOfRange
  }

  // MARK: The others

  private mutating func takeRare(
    _ parser: borrowing FlatJSONParser, _ columns: inout EventColumns
  ) {
    columns.type = type(parser)
    takeGenres(parser, &columns)
    columns.session = session(parser)
    columns.retracts = retracts(parser)
    if isDeleted(parser), use(.debeziumEnvelope) { columns.rating = .null }
  }

  private mutating func type(_ parser: borrowing FlatJSONParser) -> Column<EventType> {
    switch parser.kind(EventField.eventType) {
    case .absent: return .absent
    case .null: return .null
    case .string:
      guard let name = parser.text(EventField.eventType) else { return .unreadable }
      if let type = EventType(name: name) { return .value(type) }
      guard accepts.contains(.spelling), name.byteCount <= 16,
        let type = EventType(lowercased: String(copyingUTF8: name).lowercased())
      else { return .unreadable }
      used.insert(.spelling)
      return .value(type)
    default: return .ofOtherType
    }
  }

  /// The genres as an array of strings, or as one string separated by bars.
  private func takeGenres(_ parser: borrowing FlatJSONParser, _ columns: inout EventColumns) {
    let kind = parser.kind(EventField.genres)
    guard kind != .absent else { return }
    var genres: [String] = []
    var hasForeign = false
    let most = EventRules.maximumGenres
    switch kind {
    case .null:
      columns.genres = .null
      return
    case .string:
      if let text = parser.text(EventField.genres), text.byteCount > 0 {
        columns.genreCount = text.forEachPart(separator: UInt8(ascii: "|"), limit: most) {
          genres.append(String(copyingUTF8: $0))
        }
      }
    case .array:
      columns.genreCount = parser.forEachElement(EventField.genres, limit: most) { _, text in
        if let text { genres.append(String(copyingUTF8: text)) } else { hasForeign = true }
      }
    default:
      columns.genres = .ofOtherType
      return
    }
    columns.genres = .value(genres)
    columns.hasForeignGenre = hasForeign
  }

  private func session(_ parser: borrowing FlatJSONParser) -> Column<String> {
    switch parser.kind(EventField.session) {
    case .absent: .absent
    case .null: .null
    case .string: parser.string(EventField.session).map { .value($0) } ?? .unreadable
    default: .ofOtherType
    }
  }

  /// The event that is taken back, as `PARTITION:OFFSET`.
  private func retracts(_ parser: borrowing FlatJSONParser) -> Column<SourceCoordinates> {
    switch parser.kind(EventField.retracts) {
    case .absent: return .absent
    case .null: return .null
    case .string:
      guard let text = parser.text(EventField.retracts), let place = SourceCoordinates(text: text)
      else { return .unreadable }
      return .value(place)
    default: return .ofOtherType
    }
  }

  private func isDeleted(_ parser: borrowing FlatJSONParser) -> Bool {
    // `deleted` is somebody else's field.
    guard !parser.isSpelledOtherwise(EventField.deleted) else { return false }
    return switch parser.kind(EventField.deleted) {
    case .boolean: parser.boolean(EventField.deleted) == true
    case .string: parser.text(EventField.deleted)?.equals("true") == true
    default: false
    }
  }
}
