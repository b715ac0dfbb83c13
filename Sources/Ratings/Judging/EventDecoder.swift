import Codecs

/// The step from a record's bytes to the fields of an event. A plain event is found by the first
/// look; the second one takes off envelopes, and finds other spellings of the names.
struct EventDecoder: ~Copyable, Sendable {
  /// The most envelopes that are taken off, one after another.
  private static let deepest = 5

  /// The parser of the first look.
  private(set) var plain = FlatJSONParser(fields: EventField.names)
  /// The parser of the second look.
  private(set) var nested = FlatJSONParser(
    fields: EventField.names + EventEnvelope.Field.names)

  /// What the second look has found around the event.
  private(set) var wrapping = Wrapping()

  struct Wrapping: Sendable {
    /// Coercions that the record needs, and the policy does not accept.
    var refused = CoercionSet()
    /// Where the event is not: the envelope's field that should hold it.
    var problem: Problem?
    /// Whether the event is what was deleted.
    var isDelete = false
    /// The time of the change, of a delete.
    var deleteTime: Int64?
    /// The time in a CloudEvent's attributes.
    var cloudTime: Int64?
  }

  enum Problem: Hashable, Sendable {
    /// The envelope holds null: it says what a null value says.
    case holdsNull(String)
    /// The envelope holds a text.
    case holdsText(field: String, String)
    /// The envelope holds something else that is no object.
    case holdsOther(field: String, excerpt: String)
    /// Debezium's operation does not change a row.
    case operation(String)
  }

  /// Whether Confluent's prefixes are not the only ones; earlier versions knew no others.
  private var knowsRarePrefixes = false

  init(_ policy: IntakePolicy) {
    use(policy)
  }

  mutating func use(_ policy: IntakePolicy) {
    nested.readLoosely(policy.accepts.contains(.spelling))
    knowsRarePrefixes = policy.rules != .first
  }

  // MARK: Prefixes

  /// The value without what stands in front of the JSON, if the policy accepts it.
  @_lifetime(copy value)
  private static func payload(of value: RawSpan, _ coercion: inout EventCoercion) -> RawSpan {
    // Nearly all begin like this.
    guard value.byteCount > 0, value.byte(at: 0) != UInt8(ascii: "{") else { return value }
    var payload = value
    if value.byte(at: 0) <= 0x01, coercion.accepts.contains(.schemaPrefix) {
      payload = WireFormat.payload(of: value)
      if payload.byteCount < value.byteCount { _ = coercion.use(.schemaPrefix) }
    }
    if payload.begins(with: byteOrderMark), coercion.use(.byteOrderMark) {
      payload = payload.extracting(byteOrderMark.count...)
    }
    return payload
  }

  // MARK: Looks

  /// Finds the fields of a plain event.
  mutating func look(_ value: RawSpan, _ coercion: inout EventCoercion) throws(JSONError) {
    try plain.parse(Self.payload(of: value, &coercion))
  }

  /// Finds the fields of an event in all that it may be wrapped in.
  mutating func lookCloser(_ value: RawSpan, _ coercion: inout EventCoercion) throws(JSONError) {
    wrapping = Wrapping()
    do throws(JSONError) {
      try nested.parse(Self.payload(of: value, &coercion))
    } catch {
      try lookBehindRarePrefix(value, &coercion, error)
    }
    for _ in 0..<Self.deepest {
      guard let envelope = EventEnvelope(nested) else { return }
      guard coercion.use(envelope.coercion) else {
        wrapping.refused.insert(envelope.coercion)
        return
      }
      guard takeOff(envelope) else { return }
    }
  }

  private mutating func lookBehindRarePrefix(
    _ value: RawSpan, _ coercion: inout EventCoercion, _ error: JSONError
  ) throws(JSONError) {
    if knowsRarePrefixes, let payload = WireFormat.payloadBehindRarePrefix(of: value),
      coercion.use(.schemaPrefix)
    {
      return try nested.parse(payload)
    }
    noteRefusedPrefix(value, coercion)
    throw error
  }

  /// Notes a prefix that would be skipped, had the policy accepted it.
  private mutating func noteRefusedPrefix(_ value: RawSpan, _ coercion: EventCoercion) {
    var generous = EventCoercion(accepts: .all, zone: .utc)
    let payload = Self.payload(of: value, &generous)
    guard payload.byteCount > 0, payload.byte(at: 0) == UInt8(ascii: "{") else { return }
    for needed in generous.used where !coercion.accepts.contains(needed) {
      wrapping.refused.insert(needed)
    }
  }

  // MARK: Envelopes

  /// Finds the fields again in what the envelope holds. Returns false if that is no event.
  private mutating func takeOff(_ envelope: EventEnvelope) -> Bool {
    switch envelope {
    case .connect: return enter(EventEnvelope.Field.payload, "payload")
    case .debezium: return takeOffDebezium()
    case .cloudEvents: return takeOffCloudEvents()
    }
  }

  private mutating func takeOffDebezium() -> Bool {
    let operation = nested.string(EventEnvelope.Field.operation) ?? ""
    switch operation {
    case "c", "r", "u":
      return enter(EventEnvelope.Field.after, "after")
    case "d":
      wrapping.isDelete = true
      wrapping.deleteTime = nested.integer(EventEnvelope.Field.operationTime)
      return enter(EventEnvelope.Field.before, "before")
    default:
      wrapping.problem = .operation(String(excerptOf: operation, limit: 16))
      return false
    }
  }

  private mutating func takeOffCloudEvents() -> Bool {
    var time: Int64?
    if let text = nested.text(EventEnvelope.Field.time) {
      time = EventTime.milliseconds(iso8601: text)
    }
    wrapping.cloudTime = time
    guard nested.kind(EventEnvelope.Field.base64) == .string else {
      return enter(EventEnvelope.Field.data, "data")
    }
    var bytes: [UInt8] = []
    if let text = nested.text(EventEnvelope.Field.base64) { bytes = Base64.decode(text) ?? [] }
    let excerpt = nested.excerpt(EventEnvelope.Field.base64) ?? ""
    do throws(JSONError) {
      try nested.parse(bytes.span.bytes)
      return true
    } catch {
      wrapping.problem = .holdsOther(field: "data_base64", excerpt: excerpt)
      return false
    }
  }

  private mutating func enter(_ field: Int, _ name: String) -> Bool {
    if nested.enter(field) { return true }
    switch nested.kind(field) {
    case .absent, .null: wrapping.problem = .holdsNull(name)
    case .string:
      wrapping.problem = .holdsText(field: name, nested.excerpt(field) ?? "")
    default:
      wrapping.problem = .holdsOther(field: name, excerpt: nested.excerpt(field) ?? "")
    }
    return false
  }

  /// Whether a record's key is a JSON object, as change streams have it.
  mutating func isObject(key: RawSpan) -> Bool {
    do throws(JSONError) {
      try nested.parse(WireFormat.payload(of: key))
      return true
    } catch { return false }
  }
}
