import EventLog
import Ratings

/// The headers of a dead letter: the original's, then what went wrong in the layout of Kafka
/// Streams (KIP-1034, `ExceptionHandlerUtils`; UTF-8 text, numbers in decimal), then two of our own
/// with the rules in a form that scripts can parse.
enum DeadLetter {
  /// The most bytes of key, value and headers that a topic takes, leaving room for our headers and
  /// the batch's.
  ///
  /// - Parameter limit: its `max.message.bytes`. Producers send no more than the declared 16 MiB.
  static func most(_ limit: Int) -> Int { min(limit, 16 << 20) - (64 << 10) }

  /// - Parameter isWhole: whether the dead letter has the record's value.
  static func headers(
    original: [RecordHeader], topic: String, partition: Int32, offset: Int64,
    failed: ExpectationSet, details: [EventDetail], isWhole: Bool = true
  ) -> [RecordHeader] {
    var message = failed.joinedNames
    if !details.isEmpty {
      message += ": " + details.map(\.message).joined(separator: "; ")
    }
    return original + [
      RecordHeader("__streams.errors.exception", text: "projectionist.ValidationFailed"),
      RecordHeader("__streams.errors.message", text: message),
      RecordHeader("__streams.errors.stacktrace", text: ""),
      RecordHeader("__streams.errors.topic", text: topic),
      RecordHeader("__streams.errors.partition", text: "\(partition)"),
      RecordHeader("__streams.errors.offset", text: "\(offset)"),
      RecordHeader("projectionist.reason", text: isWhole ? "validation_failed" : "too_large"),
      RecordHeader("projectionist.expectations", text: failed.joinedNames),
    ]
  }
}
