public import Codecs

/// What one user has said of one movie and something newer keeps out. It counts again when all that
/// is newer is taken back by name.
///
/// `Retractions.limit` events can be named, so what stands is among the newest statements: as many,
/// and one more. That one is the row itself, and these are the others.
public struct KeptOut: Hashable, Sendable {
  /// The newest first; see `UserRating.isLater`.
  public private(set) var statements: [UserRating] = []

  public init() {}

  /// How many are kept; the oldest give way.
  public static var limit: Int { Retractions.limit }

  public func contains(_ event: SourceCoordinates) -> Bool {
    statements.contains { $0.source == event }
  }

  /// Adds a statement. One of an event that is known stays as it is.
  public mutating func insert(_ statement: UserRating) {
    guard !contains(statement.source) else { return }
    let place = statements.firstIndex { statement.isLater(than: $0) } ?? statements.count
    guard place < Self.limit else { return }
    statements.insert(statement, at: place)
    if statements.count > Self.limit { statements.removeLast() }
  }

  /// The newest that nobody has taken back by name.
  public func newest(besides retractions: Retractions) -> UserRating? {
    statements.first { !retractions.contains($0.source) }
  }

  // Layout: version, count, then each (`UserRating`).
  public func encode(into bytes: inout [UInt8]) {
    bytes.append(atMost: 11) { writer in
      writer.byte(storedFormatVersion)
      writer.varint(UInt64(statements.count))
    }
    for statement in statements { statement.encode(into: &bytes) }
  }

  public init(decoding bytes: RawSpan) throws(CodecError) {
    var reader = ByteReader(bytes)
    try reader.version()
    for _ in 0..<(try reader.varint()) {
      statements.append(try UserRating(from: &reader))
    }
    try reader.end()
  }
}
