import Codecs

/// Parses events of `user-ratings` and checks each against every rule of `Expectation`.
public struct EventValidator: ~Copyable, Sendable {
  /// 1995-01-01T00:00:00Z, the year of the first MovieLens ratings.
  public static let earliestTimeMilliseconds: Int64 = 788_918_400_000
  /// How far an event's time may be ahead of its record's timestamp.
  public static let allowedLeadMilliseconds: Int64 = 60_000
  static let maximumGenres = 16
  static let maximumGenreBytes = 32
  static let maximumSessionBytes = 128

  private enum Field {
    static let user = 0
    static let movie = 1
    static let rating = 2
    static let timestamp = 3
    static let eventType = 4
    static let genres = 5
    static let session = 6
    static let retracts = 7
    static let names: [StaticString] = [
      "user_id", "movie_id", "rating", "timestamp", "event_type", "genres", "session_id",
      "retracts",
    ]
    static let uniqueness: [Expectation] = [
      .userKeyUnique, .movieKeyUnique, .ratingKeyUnique, .timestampKeyUnique, .eventTypeKeyUnique,
      .genresKeyUnique, .sessionKeyUnique, .retractsKeyUnique,
    ]
  }

  /// By what events are judged.
  public private(set) var policy: IntakePolicy
  /// The offsets of the policy's time zone.
  private var zone: ZoneOffsets
  private var parser = FlatJSONParser(fields: Field.names)
  private var failed = ExpectationSet()

  /// - Parameter zone: the offsets of the policy's time zone.
  public init(policy: IntakePolicy = IntakePolicy(), zone: ZoneOffsets = .utc) {
    self.policy = policy
    self.zone = zone
  }

  /// Judges by another policy from the next record on.
  ///
  /// - Parameter zone: the offsets of the policy's time zone.
  public mutating func use(_ policy: IntakePolicy, zone: ZoneOffsets) {
    self.policy = policy
    self.zone = zone
  }

  /// Judges one record.
  ///
  /// - Parameters:
  ///   - value: the record's value as it came, with or without a schema prefix; `nil` for null.
  ///   - recordTimestampMilliseconds: the record's time by the broker or producer. If it is
  ///     negative, there is none, and no event is too far ahead.
  ///   - source: where the record was read.
  public mutating func validate(
    value: RawSpan?, recordTimestampMilliseconds: Int64, source: SourceCoordinates
  ) -> Verdict {
    guard let value, value.byteCount > 0 else { return .invalid([.valueNotNull], detail: nil) }
    do throws(JSONError) {
      try parser.parse(WireFormat.payload(of: value))
    } catch {
      return .invalid([.valueIsObject], detail: error)
    }
    failed = []
    checkUniqueness()
    let type = eventType()
    let user = identifier(
      Field.user, isRequired: true,
      rules: (null: .userNotNull, type: .userOfType, range: .userBetween))
    let movie = identifier(
      Field.movie, isRequired: type != .search,
      rules: (null: .movieNotNull, type: .movieOfType, range: .movieBetween))
    let rating = rating(isRequired: type == .rating)
    let time = time(recordTimestampMilliseconds: recordTimestampMilliseconds)
    let genres = genres()
    let sessionID = sessionID()
    let retracts = retracts(hasRating: rating != nil)
    guard failed.isEmpty, let user, let time, let type else {
      return .invalid(failed, detail: nil)
    }
    return .valid(
      RatingEvent(
        user: user, movie: movie, rating: rating, timeMilliseconds: time, type: type,
        genres: genres, sessionID: sessionID, source: source,
        recordTimeMilliseconds: recordTimestampMilliseconds,
        retracts: type == .rating ? retracts : nil))
  }

  private mutating func checkUniqueness() {
    for field in 0..<Field.names.count where parser.isDuplicate(field) {
      failed.insert(Field.uniqueness[field])
    }
  }

  /// The event's type; `rating` if it names none; `nil` if it names an unknown one.
  private mutating func eventType() -> EventType? {
    switch parser.kind(Field.eventType) {
    case .absent, .null:
      return .rating
    case .string:
      if let name = parser.text(Field.eventType), let type = EventType(name: name) { return type }
      failed.insert(.eventTypeInSet)
      return nil
    default:
      failed.insert(.eventTypeOfType)
      return nil
    }
  }

  /// A user or movie id: a whole number from 0 to 2^63 - 1, such as 7 or 7.0.
  private mutating func identifier(
    _ field: Int, isRequired: Bool,
    rules: (null: Expectation, type: Expectation, range: Expectation)
  ) -> Int64? {
    var broken: Expectation?
    var identifier: Int64?
    switch parser.kind(field) {
    case .absent, .null:
      broken = isRequired ? rules.null : nil
    case .integer:
      identifier = parser.integer(field)
    case .real:
      let value = parser.double(field) ?? .nan
      identifier = Int64(exactly: value)
      if identifier == nil { broken = value == value.rounded() ? rules.range : rules.type }
    case .unsigned, .outOfRange:
      broken = rules.range
    default:
      broken = rules.type
    }
    if let identifier, identifier < 0 { broken = rules.range }
    if let broken { failed.insert(broken) }
    return identifier
  }

  /// The rating; `nil` for an event without one, and for null, which takes the rating back.
  private mutating func rating(isRequired: Bool) -> HalfStars? {
    switch parser.kind(Field.rating) {
    case .absent:
      if isRequired { failed.insert(.ratingExists) }
      return nil
    case .null:
      return nil
    case .integer, .unsigned, .real:
      let stars = parser.double(Field.rating) ?? .nan
      if !(0.5...5.0).contains(stars) { failed.insert(.ratingBetween) }
      if (stars * 2).rounded() != stars * 2 { failed.insert(.ratingMultipleOfHalf) }
      return HalfStars(stars: stars)
    case .outOfRange:
      failed.insert(.ratingBetween)
      return nil
    default:
      failed.insert(.ratingOfType)
      return nil
    }
  }

  private mutating func time(recordTimestampMilliseconds: Int64) -> Int64? {
    var time: Int64?
    switch parser.kind(Field.timestamp) {
    case .absent, .null:
      failed.insert(.timestampNotNull)
      return nil
    case .integer:
      let (product, overflow) = (parser.integer(Field.timestamp) ?? 0)
        .multipliedReportingOverflow(by: 1000)
      time = overflow ? nil : product
    case .real:
      time = Int64(exactly: ((parser.double(Field.timestamp) ?? .nan) * 1000).rounded())
    case .unsigned, .outOfRange:
      break
    case .string:
      guard let text = parser.text(Field.timestamp),
        let parsed = EventTime.milliseconds(iso8601: text)
      else {
        failed.insert(.timestampParseable)
        return nil
      }
      time = parsed
    default:
      failed.insert(.timestampOfType)
      return nil
    }
    var latest = EventTime.representable.upperBound
    if (0..<latest).contains(recordTimestampMilliseconds) {
      latest = min(latest, recordTimestampMilliseconds + Self.allowedLeadMilliseconds)
    }
    if let time, time >= Self.earliestTimeMilliseconds, time <= latest { return time }
    failed.insert(.timestampBetween)
    return nil
  }

  /// The genres as an array of strings, or as one string separated by bars.
  private mutating func genres() -> [String] {
    let kind = parser.kind(Field.genres)
    return kind == .absent || kind == .null ? [] : namedGenres()
  }

  private mutating func namedGenres() -> [String] {
    var genres: [String] = []
    var failed = ExpectationSet()
    let take = { (genre: RawSpan) in
      if genre.byteCount < 1 || genre.byteCount > Self.maximumGenreBytes {
        failed.insert(.genreLengths)
      }
      genres.append(String(copyingUTF8: genre))
    }
    var count = 0
    switch parser.kind(Field.genres) {
    case .string:
      if let text = parser.text(Field.genres), text.byteCount > 0 {
        count = text.forEachPart(separator: UInt8(ascii: "|"), limit: Self.maximumGenres, take)
      }
    case .array:
      count = parser.forEachElement(Field.genres, limit: Self.maximumGenres) { _, text in
        if let text { take(text) } else { failed.insert(.genresOfType) }
      }
    default:
      failed.insert(.genresOfType)
    }
    if count > Self.maximumGenres { failed.insert(.genreCount) }
    self.failed.formUnion(failed)
    return genres
  }

  /// The event that is taken back, as `PARTITION:OFFSET`.
  private mutating func retracts(hasRating: Bool) -> SourceCoordinates? {
    switch parser.kind(Field.retracts) {
    case .absent, .null:
      return nil
    case .string:
      if hasRating { failed.insert(.ratingNull) }
      if let text = parser.text(Field.retracts), let source = SourceCoordinates(text: text) {
        return source
      }
      failed.insert(.retractsMatch)
      return nil
    default:
      failed.insert(.retractsOfType)
      return nil
    }
  }

  private mutating func sessionID() -> String? {
    switch parser.kind(Field.session) {
    case .absent, .null:
      return nil
    case .string:
      guard let text = parser.text(Field.session), text.byteCount <= Self.maximumSessionBytes else {
        failed.insert(.sessionLength)
        return nil
      }
      return String(copyingUTF8: text)
    default:
      failed.insert(.sessionOfType)
      return nil
    }
  }
}
