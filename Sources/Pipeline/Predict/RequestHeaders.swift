import EventLog

/// What a request's headers ask for, in the names of Spring for Apache Kafka.
public struct RequestHeaders {
  public static let correlationID = "kafka_correlationId"
  public static let replyTopic = "kafka_replyTopic"
  static let replyPartition = "kafka_replyPartition"
  /// Ours: the request has been forwarded to its user's partition.
  static let rerouted = "projectionist.rerouted"
  /// Ours: when the reply is no longer wanted, in milliseconds since 1970 as decimal UTF-8.
  static let deadline = "projectionist.deadline_ms"
  /// Ours: the code of an error reply in UTF-8.
  public static let errorCode = "projectionist.error"

  /// Copied to the reply byte for byte, unless it exceeds `CopyLimit`: clients choose its form.
  let correlation: [RecordHeader]
  /// `nil` for the default topic.
  let replyTopic: String?
  let replyPartition: Int32?
  let isRerouted: Bool
  /// Milliseconds since 1970; `nil` if the request has none.
  let deadline: Int64?
  /// Whether the request has a deadline that can't be read.
  let hasInvalidDeadline: Bool

  init(_ headers: [RecordHeader]) {
    correlation = CopyLimit.headers(headers.filter { $0.name == Self.correlationID })
    replyTopic = headers.last { $0.name == Self.replyTopic }?.value.flatMap {
      String(validating: $0, as: UTF8.self)
    }
    replyPartition = headers.last { $0.name == Self.replyPartition }?.value.flatMap(
      Self.bigEndianInteger)
    isRerouted = headers.contains { $0.name == Self.rerouted }
    let limit = headers.last { $0.name == Self.deadline }
    deadline = limit?.value.flatMap { DecimalText.parse($0.span.bytes) }
    hasInvalidDeadline = limit != nil && deadline == nil
  }

  /// Four bytes, big-endian.
  private static func bigEndianInteger(_ bytes: [UInt8]) -> Int32? {
    guard bytes.count == 4 else { return nil }
    return bytes.reduce(0) { $0 << 8 | Int32($1) }
  }
}
