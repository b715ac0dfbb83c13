public import Codecs

/// The events of one user and movie that were taken back by name. They count for nothing, whether
/// they come before the take-back or after it.
public struct Retractions: Hashable, Sendable {
  /// In the order in which their take-backs came.
  public private(set) var events: [SourceCoordinates] = []

  public init() {}

  /// How many there can be. Nobody means so many, and one value holds them all, which a record of
  /// the changelog must have room for: 15 bytes each.
  public static let limit = 1_000

  /// What becomes of the name that a statement gives.
  public enum Naming: Hashable, Sendable {
    /// It gives none.
    case none
    /// The event was taken back before.
    case known
    case new
    /// There is no room for it.
    case refused
  }

  public func contains(_ event: SourceCoordinates) -> Bool { events.contains(event) }

  /// Notes an event.
  public mutating func insert(_ event: SourceCoordinates) -> Naming {
    if events.contains(event) { return .known }
    guard events.count < Self.limit else { return .refused }
    events.append(event)
    return .new
  }

  /// Notes the event that a statement names. A statement whose name is refused loses it.
  public mutating func take(_ statement: inout RatingStatement) -> Naming {
    guard let named = statement.retracts else { return .none }
    let naming = insert(named)
    if naming == .refused { statement.retracts = nil }
    return naming
  }

  // Layout: version, count, then partition and offset of each (LEB128).
  public func encode(into bytes: inout [UInt8]) {
    bytes.append(atMost: 11 + 15 * events.count) { writer in
      writer.byte(storedFormatVersion)
      writer.varint(UInt64(events.count))
      for event in events {
        writer.varint(UInt64(UInt32(bitPattern: event.partition)))
        writer.varint(UInt64(bitPattern: event.offset))
      }
    }
  }

  public init(decoding bytes: RawSpan) throws(CodecError) {
    var reader = ByteReader(bytes)
    try reader.version()
    for _ in 0..<(try reader.varint()) {
      events.append(
        SourceCoordinates(
          partition: Int32(bitPattern: try reader.varint(as: UInt32.self)),
          offset: Int64(bitPattern: try reader.varint())))
    }
    try reader.end()
  }
}
