import EventLog
import Ratings

/// What CloudEvents in binary mode say in headers. Source: the CloudEvents Kafka protocol binding,
/// 1.0.2, section 3.2.
enum CloudEventHeaders {
  /// When it happened, in milliseconds since 1970; `nil` if the record is no CloudEvent in binary
  /// mode, or doesn't say.
  static func time(of headers: [RecordHeader]) -> Int64? {
    guard headers.contains(where: { $0.name == "ce_specversion" }),
      let time = headers.first(where: { $0.name == "ce_time" })?.value
    else { return nil }
    return EventTime.milliseconds(iso8601: time.span.bytes)
  }
}
