public import Codecs

/// The result of validation.
public enum Verdict: Sendable {
  /// The event, and how its producer deviates from the plain form.
  case valid(RatingEvent, coerced: CoercionSet)
  /// Nothing is wrong, and there is no event in it.
  case silent(coerced: CoercionSet)
  /// Every rule the event fails, and why.
  case invalid(ExpectationSet, details: [EventDetail])
}

/// Why an event fails a rule.
public struct EventDetail: Hashable, Sendable {
  public var expectation: Expectation
  /// The event's field, by its plain name; `nil` if the rule is of the whole value.
  public var field: String?
  /// The field's value as it came, cut; `nil` if there is none.
  public var value: String?
  /// What is wrong and what to do, for a person.
  public var message: String

  public init(
    _ expectation: Expectation, field: String? = nil, value: String? = nil, message: String
  ) {
    self.expectation = expectation
    self.field = field
    self.value = value
    self.message = message
  }
}

extension EventDetail {
  /// Of an event that repeats what stands.
  public static let repeated = [
    EventDetail(
      .ratingUnique,
      message: "what stands of this user and movie says the same: the event changes nothing")
  ]
  /// Of an event that comes late.
  public static let late = [
    EventDetail(
      .ratingNewest, field: "timestamp",
      message: "something newer stands of this user and movie, or a take-back names this event: it"
        + " changes nothing")
  ]
  /// Of a take-back that names one event too many.
  public static let crowded = [
    EventDetail(
      .retractsCount, field: "retracts",
      message: "\(Retractions.limit) events of this user and movie are taken back by name, and more"
        + " can't be: this one counts as a take-back without `retracts`")
  ]
}

/// Writes the record of `validation-results` for one event:
/// `{"valid":false,"failed":["expect_…"],"details":[{"expectation":"expect_…","field":"rating",
/// "value":"7","message":"…"}],"topic":"user-ratings","partition":0,"offset":12}`.
///
/// - Parameters:
///   - failed: the rules the event fails; empty for a valid one.
///   - details: why it fails them.
///   - coerced: what the producer of a valid one writes otherwise.
public func writeVerdict(
  failed: ExpectationSet, details: [EventDetail] = [], coerced: CoercionSet = [], topic: String,
  source: SourceCoordinates, to writer: inout JSONWriter
) {
  writer.beginObject()
  writer.key("valid")
  writer.boolean(failed.isEmpty)
  writer.key("failed")
  writer.beginArray()
  for expectation in failed { writer.string(literal: expectation.name) }
  writer.endArray()
  if !details.isEmpty { write(details, to: &writer) }
  if !coerced.isEmpty {
    writer.key("coerced")
    writer.beginArray()
    for coercion in coerced { writer.string(literal: coercion.name) }
    writer.endArray()
  }
  writer.key("topic")
  writer.string(topic)
  writer.key("partition")
  writer.integer(source.partition)
  writer.key("offset")
  writer.integer(source.offset)
  writer.endObject()
}

private func write(_ details: [EventDetail], to writer: inout JSONWriter) {
  writer.key("details")
  writer.beginArray()
  for detail in details {
    writer.beginObject()
    writer.key("expectation")
    writer.string(literal: detail.expectation.name)
    writer.key("field")
    if let field = detail.field { writer.string(field) } else { writer.null() }
    writer.key("value")
    if let value = detail.value { writer.string(value) } else { writer.null() }
    writer.key("message")
    writer.string(detail.message)
    writer.endObject()
  }
  writer.endArray()
}
