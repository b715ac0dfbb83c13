import EventLog

/// What a request's headers ask for, in the names of Spring for Apache Kafka and in those that
/// clients of other languages give them.
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

  /// Copied to the reply byte for byte, unless they exceed `CopyLimit`: clients choose their form.
  let correlation: [RecordHeader]
  /// `nil` for the default topic.
  let replyTopic: String?
  /// May be one that the topic does not have.
  let replyPartition: Int64?
  /// Headers that say where the reply goes, in bytes that can't be read.
  let unreadable: [RecordHeader]
  let isRerouted: Bool
  let deadline: RequestDeadline

  init(_ headers: [RecordHeader]) {
    var found = Found()
    for header in headers { found.take(header) }
    correlation = CopyLimit.headers(found.correlation)
    replyTopic = found.topic?.value.flatMap(HeaderText.topicName)
    replyPartition = found.partition?.value.flatMap(HeaderText.number)
    unreadable = [
      replyTopic == nil ? found.topic : nil, replyPartition == nil ? found.partition : nil,
    ].compactMap(\.self)
    isRerouted = found.isRerouted
    deadline = found.deadline.map { RequestDeadline($0.value) } ?? .none
  }

  /// The headers that mean something; of several that mean the same, the last.
  private struct Found {
    var correlation: [RecordHeader] = []
    var topic: RecordHeader?
    var partition: RecordHeader?
    var deadline: RecordHeader?
    var isRerouted = false

    mutating func take(_ header: RecordHeader) {
      switch header.name {
      case RequestHeaders.deadline: deadline = header
      case RequestHeaders.rerouted: isRerouted = true
      default:
        switch HeaderName(header.name) {
        case .correlation: correlation.append(header)
        case .replyTopic: Self.keep(header, over: &topic, RequestHeaders.replyTopic)
        case .replyPartition: Self.keep(header, over: &partition, RequestHeaders.replyPartition)
        case nil: break
        }
      }
    }

    /// Spring's own name stands over the others.
    private static func keep(_ new: RecordHeader, over old: inout RecordHeader?, _ name: String) {
      if old?.name != name || new.name == name { old = new }
    }
  }
}

/// What a header is by its name, whatever its capitals and hyphens: `kafka_correlationId`,
/// `correlation-id` and `X-Correlation-ID` are one.
private enum HeaderName {
  case correlation
  case replyTopic
  case replyPartition

  init?(_ name: String) {
    // The longest, with all its hyphens, and nothing longer needs a look.
    guard (7...24).contains(name.utf8.count) else { return nil }
    switch String(decoding: name.utf8.compactMap(Self.letter), as: UTF8.self) {
    case "kafkacorrelationid", "correlationid", "xcorrelationid": self = .correlation
    case "kafkareplytopic", "replytopic", "replyto": self = .replyTopic
    case "kafkareplypartition", "replypartition": self = .replyPartition
    default: return nil
    }
  }

  /// A small letter; `nil` for what only separates words.
  private static func letter(_ byte: UInt8) -> UInt8? {
    switch byte {
    case UInt8(ascii: "-"), UInt8(ascii: "_"), UInt8(ascii: "."): nil
    case UInt8(ascii: "A")...UInt8(ascii: "Z"): byte | 0x20
    default: byte
    }
  }
}
