public import EventLog

/// A position that a stage without state records in the log, in the transaction of the batch that
/// it belongs to: the group's offset alone would not tell who set it.
///
/// The record's key is the partition's number in decimal, its value flat JSON. A topic of positions
/// has one partition and is compacted.
public struct RecordedPosition: Hashable, Sendable {
  public var nextOffset: Int64
  /// The newest record before it; `nil` where it is not known.
  public var last: RecordIdentity?
  /// The furthest that the stage has ever been: beyond `nextOffset` while it reads events again.
  public var furthestOffset: Int64

  public init(nextOffset: Int64, last: RecordIdentity? = nil, furthestOffset: Int64? = nil) {
    self.nextOffset = nextOffset
    self.last = last
    self.furthestOffset = max(nextOffset, furthestOffset ?? nextOffset)
  }

  static func key(of partition: Int32) -> [UInt8] { Array("\(partition)".utf8) }

  public var encoded: [UInt8] {
    var text = #"{"next_offset":\#(nextOffset)"#
    if let last {
      text += #","last_offset":\#(last.offset),"last_timestamp":\#(last.timestamp)"#
      text += #","last_hash":"\#(Hexadecimal.text(last.hash))""#
    }
    if furthestOffset > nextOffset { text += #","furthest_offset":\#(furthestOffset)"# }
    return Array((text + "}").utf8)
  }

  /// - Returns: `nil` for bytes that are none.
  public init?(decoding value: RawSpan) {
    let text = String(decoding: Array(copying: value), as: UTF8.self)
    guard let next = Self.field("next_offset", in: text).flatMap({ Int64($0) }) else { return nil }
    self.init(
      nextOffset: next,
      furthestOffset: Self.field("furthest_offset", in: text).flatMap { Int64($0) })
    guard let offset = Self.field("last_offset", in: text).flatMap({ Int64($0) }),
      let timestamp = Self.field("last_timestamp", in: text).flatMap({ Int64($0) }),
      let hash = Self.field("last_hash", in: text).flatMap({ UInt64($0, radix: 16) })
    else { return }
    last = RecordIdentity(offset: offset, timestamp: timestamp, hash: hash)
  }

  /// A member of a flat object whose strings have no escapes.
  private static func field(_ name: String, in text: String) -> Substring? {
    guard let range = text.firstRange(of: "\"\(name)\":") else { return nil }
    let rest = text[range.upperBound...].drop { $0 == " " || $0 == "\"" }
    let field = rest.prefix { $0 != "," && $0 != "}" && $0 != "\"" && $0 != " " }
    return field.isEmpty ? nil : field
  }
}

extension RecordedPosition {
  /// The newest positions in a topic of them, by partition of the stage's input.
  ///
  /// - Parameters:
  ///   - waits: whether to wait for transactions that are open: what they hold may be newer.
  ///   Without it, those of other members are not waited for.
  ///   - isStopped: ends it before it is complete.
  public static func all<Log: EventLog>(
    in topic: String, of log: Log, clientID: String, waits: Bool,
    isStopped: () -> Bool = { false }
  ) throws(LogError) -> [Int32: RecordedPosition] {
    let source = TopicPartition(topic, 0)
    let end = try end(of: source, log, clientID, committed: !waits)
    var positions: [Int32: RecordedPosition] = [:]
    guard end > 0 else { return positions }
    var reader = try PartitionReader(log, topics: [topic], clientID: clientID)
    try reader.begin([PartitionCursor(source, from: .beginning, to: end)])
    try reader.readToEnd(patience: .seconds(90), onPoll: { _ in !isStopped() }) { _, record in
      guard let key = record.key, let partition = Self.partition(key) else { return true }
      positions[partition] =
        if let value = record.value { RecordedPosition(decoding: value) } else { nil }
      return true
    }
    return positions
  }

  private static func end<Log: EventLog>(
    of source: TopicPartition, _ log: Log, _ clientID: String, committed: Bool
  ) throws(LogError) -> Int64 {
    let consumer = try log.makeConsumer(
      ConsumerConfiguration(
        topics: [source.topic], group: nil, clientID: clientID, readCommitted: committed))
    defer { consumer.close() }
    return try consumer.offsets(of: source).upperBound
  }

  private static func partition(_ key: RawSpan) -> Int32? {
    Int32(String(decoding: Array(copying: key), as: UTF8.self))
  }
}
