/// The step from an event's columns to the rules that it fails. It knows nothing of bytes, names or
/// envelopes.
public struct EventRules: Sendable {
  /// 1995-01-01T00:00:00Z, the year of the first MovieLens ratings.
  public static let earliestTimeMilliseconds: Int64 = 788_918_400_000
  /// How far an event's time may be ahead of its record's timestamp.
  static let allowedLeadMilliseconds: Int64 = 60_000
  static let ratings = 0.5...5.0
  static let maximumGenres = 16
  static let maximumGenreBytes = 32
  static let maximumSessionBytes = 128

  let edition: RuleEdition

  private static let uniqueness: [Expectation] = [
    .userKeyUnique, .movieKeyUnique, .ratingKeyUnique, .timestampKeyUnique, .eventTypeKeyUnique,
    .genresKeyUnique, .sessionKeyUnique, .retractsKeyUnique,
  ]

  /// The last time that an event of a record may have.
  ///
  /// - Parameter recordTime: the record's. One that can't be true (before 1995, after 9999) bounds
  ///   nothing: it is the envelope's fault and not the event's.
  func latestTime(recordTime: Int64) -> Int64 {
    let latest = EventTime.representable.upperBound
    guard bounds(recordTime: recordTime) else { return latest }
    return min(latest, recordTime + Self.allowedLeadMilliseconds)
  }

  func bounds(recordTime: Int64) -> Bool {
    let first = edition == .first ? 0 : Self.earliestTimeMilliseconds
    return (first..<EventTime.representable.upperBound).contains(recordTime)
  }

  func failures(of columns: borrowing EventColumns, recordTime: Int64) -> ExpectationSet {
    var failed = ExpectationSet()
    if columns.repeated != 0 {
      for (field, rule) in Self.uniqueness.enumerated()
      where columns.repeated & (1 << UInt32(field)) != 0 {
        failed.insert(rule)
      }
    }
    let type = columns.knownType
    Self.checkIdentifier(
      columns.user, isRequired: true, (.userNotNull, .userOfType, .userBetween), &failed)
    Self.checkIdentifier(
      columns.movie, isRequired: type != .search, (.movieNotNull, .movieOfType, .movieBetween),
      &failed)
    checkRating(columns.rating, isRequired: type == .rating, &failed)
    checkTime(columns.time, latest: latestTime(recordTime: recordTime), &failed)
    guard columns.hasRare else { return failed }
    checkType(columns.type, &failed)
    checkGenres(columns, &failed)
    checkSession(columns.session, &failed)
    checkRetracts(columns, &failed)
    return failed
  }

  private func checkType(_ column: Column<EventType>, _ failed: inout ExpectationSet) {
    switch column {
    case .absent, .null, .value: break
    case .unreadable: failed.insert(.eventTypeInSet)
    case .ofOtherType, .outOfRange: failed.insert(.eventTypeOfType)
    }
  }

  /// A user or movie id: a whole number from 0 to 2^63 - 1.
  private static func checkIdentifier(
    _ column: Column<Int64>, isRequired: Bool,
    _ rules: (null: Expectation, type: Expectation, range: Expectation),
    _ failed: inout ExpectationSet
  ) {
    switch column {
    case .absent, .null: if isRequired { failed.insert(rules.null) }
    case .value(let value): if value < 0 { failed.insert(rules.range) }
    case .outOfRange: failed.insert(rules.range)
    case .ofOtherType, .unreadable: failed.insert(rules.type)
    }
  }

  private func checkRating(
    _ column: Column<Double>, isRequired: Bool, _ failed: inout ExpectationSet
  ) {
    switch column {
    case .absent: if isRequired { failed.insert(.ratingExists) }
    case .null: break
    case .value(let stars):
      if !Self.ratings.contains(stars) { failed.insert(.ratingBetween) }
      if (stars * 2).rounded() != stars * 2 { failed.insert(.ratingMultipleOfHalf) }
    case .outOfRange: failed.insert(.ratingBetween)
    case .ofOtherType, .unreadable: failed.insert(.ratingOfType)
    }
  }

  private func checkTime(_ column: Column<Int64>, latest: Int64, _ failed: inout ExpectationSet) {
    switch column {
    case .absent, .null: failed.insert(.timestampNotNull)
    case .value(let time):
      if time < Self.earliestTimeMilliseconds || time > latest { failed.insert(.timestampBetween) }
    case .outOfRange: failed.insert(.timestampBetween)
    case .unreadable: failed.insert(.timestampParseable)
    case .ofOtherType: failed.insert(.timestampOfType)
    }
  }

  private func checkGenres(_ columns: borrowing EventColumns, _ failed: inout ExpectationSet) {
    switch columns.genres {
    case .absent, .null: return
    case .value(let genres):
      if genres.contains(where: { !(1...Self.maximumGenreBytes).contains($0.utf8.count) }) {
        failed.insert(.genreLengths)
      }
    case .ofOtherType, .outOfRange, .unreadable: failed.insert(.genresOfType)
    }
    if columns.hasForeignGenre { failed.insert(.genresOfType) }
    if columns.genreCount > Self.maximumGenres { failed.insert(.genreCount) }
  }

  private func checkSession(_ column: Column<String>, _ failed: inout ExpectationSet) {
    switch column {
    case .absent, .null: break
    case .value(let session):
      if session.utf8.count > Self.maximumSessionBytes { failed.insert(.sessionLength) }
    case .ofOtherType, .outOfRange, .unreadable: failed.insert(.sessionOfType)
    }
  }

  private func checkRetracts(_ columns: borrowing EventColumns, _ failed: inout ExpectationSet) {
    switch columns.retracts {
    case .absent, .null: return
    case .ofOtherType, .outOfRange:
      failed.insert(.retractsOfType)
      return
    case .unreadable: failed.insert(.retractsMatch)
    case .value: break
    }
    if columns.rating.value.flatMap(HalfStars.init(stars:)) != nil { failed.insert(.ratingNull) }
  }

  /// The event of columns that fail no rule.
  func event(_ columns: borrowing EventColumns, source: SourceCoordinates, recordTime: Int64)
    -> RatingEvent?
  {
    guard let user = columns.user.value, let time = columns.time.value,
      let type = columns.knownType
    else { return nil }
    let rating = columns.rating.value.flatMap(HalfStars.init(stars:))
    guard columns.hasRare else {
      return RatingEvent(
        user: user, movie: columns.movie.value, rating: rating, timeMilliseconds: time,
        source: source, recordTimeMilliseconds: recordTime)
    }
    return RatingEvent(
      user: user, movie: columns.movie.value,
      rating: rating, timeMilliseconds: time,
      type: type, genres: columns.genres.value ?? [], sessionID: columns.session.value,
      source: source, recordTimeMilliseconds: recordTime,
      retracts: type == .rating ? columns.retracts.value : nil)
  }
}
