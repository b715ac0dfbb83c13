import Codecs

/// Parses events of `user-ratings` and checks each against every rule of `Expectation`: decoding,
/// coercion and rules are a step each, and what fails is explained.
///
/// The first look takes plain events. Whoever judges a record asks it first, and only if it has no
/// answer copies what the second one wants to know.
public struct EventValidator: ~Copyable, Sendable {
  /// The settings events are judged by.
  public private(set) var policy: IntakePolicy
  private var decoder: EventDecoder
  private var coercion: EventCoercion
  private var rules: EventRules

  /// - Parameter zone: the offsets of the policy's time zone.
  public init(policy: IntakePolicy = IntakePolicy(), zone: ZoneOffsets = .utc) {
    self.policy = policy
    decoder = EventDecoder(policy)
    coercion = EventCoercion(accepts: policy.accepts, zone: zone)
    rules = EventRules(edition: policy.rules)
  }

  /// Judges by another policy from the next record on.
  ///
  /// - Parameter zone: the offsets of the policy's time zone.
  public mutating func use(_ policy: IntakePolicy, zone: ZoneOffsets) {
    self.policy = policy
    decoder.use(policy)
    coercion = EventCoercion(accepts: policy.accepts, zone: zone)
    rules = EventRules(edition: policy.rules)
  }

  /// Judges a record that holds a valid event in the plain form, or nearly.
  ///
  /// - Parameters:
  ///   - value: the record's value as it came.
  ///   - recordTimestampMilliseconds: the record's time by the broker or producer. If it is
  ///     negative, there is none, and no event is too far ahead.
  ///   - source: where the record was read.
  /// - Returns: `nil` for any other record: see `lookCloser`.
  public mutating func look(
    value: RawSpan?, recordTimestampMilliseconds: Int64, source: SourceCoordinates
  ) -> Verdict? {
    guard let value else { return nil }
    coercion.begin()
    do throws(JSONError) { try decoder.look(value, &coercion) } catch { return nil }
    // A valid event may have its optional fields in other spellings.
    if policy.accepts.contains(.spelling), decoder.plain.hasOtherSpellings { return nil }
    let columns = coercion.columns(of: decoder.plain)
    guard rules.failures(of: columns, recordTime: recordTimestampMilliseconds).isEmpty,
      let event = rules.event(columns, source: source, recordTime: recordTimestampMilliseconds)
    else { return nil }
    return .valid(event, coerced: coercion.used)
  }

  /// Judges any record, and explains what is wrong with it.
  ///
  /// - Parameters:
  ///   - key: the record's key, by which the tombstone of a change stream is known.
  ///   - cloudTime: the time in the header `ce_time`, of a CloudEvent in binary mode.
  public mutating func lookCloser(
    value: RawSpan?, key: RawSpan?, cloudTime: Int64?,
    recordTimestampMilliseconds: Int64, source: SourceCoordinates
  ) -> Verdict {
    coercion.begin()
    guard let value, value.byteCount > 0 else { return verdictOnNothing(key: key, "the value") }
    do throws(JSONError) {
      try decoder.lookCloser(value, &coercion)
    } catch {
      let detail = EventExplanation.detail(
        ofDocument: value, error: error, used: coercion.used, refused: decoder.wrapping.refused)
      return .invalid([.valueIsObject], details: [detail])
    }
    if case .holdsNull(let field) = decoder.wrapping.problem, !decoder.wrapping.isDelete {
      return verdictOnNothing(key: key, "`\(field)`")
    }
    var columns = coercion.columns(of: decoder.nested)
    for field in EventField.own where decoder.nested.isSpelledOtherwise(field) {
      _ = coercion.use(.spelling)
    }
    amend(&columns, cloudTime: cloudTime, recordTime: recordTimestampMilliseconds)
    let failed = rules.failures(of: columns, recordTime: recordTimestampMilliseconds)
    if failed.isEmpty,
      let event = rules.event(columns, source: source, recordTime: recordTimestampMilliseconds)
    {
      return .valid(event, coerced: coercion.used)
    }
    let explanation = EventExplanation(
      columns: columns, wrapping: decoder.wrapping, policy: policy, rules: rules,
      recordTime: recordTimestampMilliseconds)
    return .invalid(failed, details: explanation.details(of: failed, decoder.nested))
  }

  /// Adds what the envelope says of the event: that it was deleted, and when it happened.
  private mutating func amend(
    _ columns: inout EventColumns, cloudTime: Int64?, recordTime: Int64
  ) {
    if decoder.wrapping.isDelete {
      columns.rating = .null
      if let time = decoder.wrapping.deleteTime {
        columns.time = .value(time)
      } else if rules.bounds(recordTime: recordTime) {
        columns.time = .value(recordTime)
      }
    }
    switch columns.time {
    case .absent, .null:
      if let time = decoder.wrapping.cloudTime ?? cloudTime, coercion.use(.cloudEvents) {
        columns.time = .value(time)
      }
    default: break
    }
  }

  /// A tombstone of a change stream says nothing that the delete before it has not said.
  private mutating func verdictOnNothing(key: RawSpan?, _ what: String) -> Verdict {
    var isTombstone = false
    if let key, key.byteCount > 0 { isTombstone = decoder.isObject(key: key) }
    if isTombstone, coercion.use(.debeziumTombstone) { return .silent(coerced: coercion.used) }
    let hint =
      isTombstone
      ? "the tombstone of a change stream, which is skipped if intake.accept has"
        + " debezium_tombstone"
      : #"to take a rating back, send its event with "rating":null"#
    let detail = EventDetail(.valueNotNull, message: "\(what) is null or empty: \(hint)")
    return .invalid([.valueNotNull], details: [detail])
  }
}

extension EventValidator {
  /// Judges one record by both looks.
  public mutating func validate(
    value: RawSpan?, key: RawSpan? = nil, cloudTime: Int64? = nil,
    recordTimestampMilliseconds: Int64, source: SourceCoordinates
  ) -> Verdict {
    if let verdict = look(
      value: value, recordTimestampMilliseconds: recordTimestampMilliseconds, source: source)
    {
      return verdict
    }
    return lookCloser(
      value: value, key: key, cloudTime: cloudTime,
      recordTimestampMilliseconds: recordTimestampMilliseconds, source: source)
  }
}
