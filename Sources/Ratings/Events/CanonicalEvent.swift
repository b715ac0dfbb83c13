public import Codecs

/// Writes the record of `validated-ratings`: an event in the one form that later stages read.
///
/// - Parameter genres: a JSON array of the movie's genres to write instead of the event's own, so
///   that events can be enriched from a catalog without copies; `nil` writes the event's own.
public func writeCanonicalEvent(
  _ event: borrowing RatingEvent, genres: RawSpan? = nil, to writer: inout JSONWriter
) {
  writer.beginObject()
  writer.key("user_id")
  writer.integer(event.user)
  writer.key("movie_id")
  writer.optionalInteger(event.movie)
  writer.key("rating")
  writer.stars(event.rating)
  writer.key("timestamp_ms")
  writer.integer(event.timeMilliseconds)
  writer.key("event_type")
  writer.string(literal: event.type.name)
  writer.key("genres")
  if let genres {
    writer.raw(genres)
  } else {
    writer.beginArray()
    for genre in event.genres { writer.string(genre) }
    writer.endArray()
  }
  if let sessionID = event.sessionID {
    writer.key("session_id")
    writer.string(sessionID)
  }
  writer.key("source_partition")
  writer.integer(event.source.partition)
  writer.key("source_offset")
  writer.integer(event.source.offset)
  writer.key("source_time_ms")
  if event.recordTimeMilliseconds >= 0 {
    writer.integer(event.recordTimeMilliseconds)
  } else {
    writer.null()
  }
  if let retracts = event.retracts {
    writer.key("retracts")
    writer.string(retracts.text)
  }
  writer.endObject()
}

/// Reads records of `validated-ratings`. They are our own, so the rules are not checked again.
public struct CanonicalEventParser: ~Copyable, Sendable {
  private enum Field {
    static let user = 0
    static let movie = 1
    static let rating = 2
    static let time = 3
    static let eventType = 4
    static let genres = 5
    static let session = 6
    static let sourcePartition = 7
    static let sourceOffset = 8
    static let sourceTime = 9
    static let retracts = 10
    static let names: [StaticString] = [
      "user_id", "movie_id", "rating", "timestamp_ms", "event_type", "genres", "session_id",
      "source_partition", "source_offset", "source_time_ms", "retracts",
    ]
  }

  /// None of our records has more genres; room for this many fits on the stack.
  private static let maximumGenres = 32

  private var parser = FlatJSONParser(fields: Field.names)

  public init() {}

  /// Reads an event with its genres.
  ///
  /// - Parameter recordTime: the record's, which is that of the event's record. Events of earlier
  ///   versions don't name it themselves.
  public mutating func parse(_ value: RawSpan, recordTime: Int64) throws(RecordError)
    -> RatingEvent
  {
    var event = try parseWithoutGenres(value, recordTime)
    _ = parser.forEachElement(Field.genres, limit: Self.maximumGenres) { _, text in
      if let text { event.genres.append(String(copyingUTF8: text)) }
    }
    return event
  }

  /// Reads an event with its genres as a mask, without allocating strings.
  ///
  /// - Parameters:
  ///   - recordTime: as of `parse(_:recordTime:)`.
  ///   - dictionary: numbers the genres; names it has not met are added to it.
  /// - Returns: the event, its `genres` left empty, and the mask.
  public mutating func parse(
    _ value: RawSpan, recordTime: Int64, numbering dictionary: inout GenreDictionary
  ) throws(RecordError) -> (event: RatingEvent, genres: GenreSet) {
    let event = try parseWithoutGenres(value, recordTime)
    var genres = GenreSet()
    _ = parser.forEachElement(Field.genres, limit: Self.maximumGenres) { _, text in
      if let text, let genre = dictionary.number(of: text) { genres.insert(genre) }
    }
    return (event, genres)
  }

  private mutating func parseWithoutGenres(_ value: RawSpan, _ recordTime: Int64)
    throws(RecordError) -> RatingEvent
  {
    try parser.parseRecord(value)
    let retracts = try retracts()
    guard let typeName = parser.text(Field.eventType), let type = EventType(name: typeName) else {
      throw RecordError(missing: "event_type")
    }
    return RatingEvent(
      user: try parser.require("user_id", parser.integer(Field.user)),
      movie: parser.integer(Field.movie),
      rating: try parser.stars(Field.rating, "rating"),
      timeMilliseconds: try parser.time(Field.time, "timestamp_ms"),
      type: type,
      sessionID: parser.string(Field.session),
      source: try parser.source(
        partition: parser.integer(Field.sourcePartition),
        offset: parser.integer(Field.sourceOffset)),
      recordTimeMilliseconds: try self.recordTime(orElse: recordTime),
      retracts: retracts)
  }

  private func recordTime(orElse known: Int64) throws(RecordError) -> Int64 {
    switch parser.kind(Field.sourceTime) {
    case .absent: return known
    case .null: return -1
    default: return try parser.require("source_time_ms", parser.integer(Field.sourceTime))
    }
  }

  private func retracts() throws(RecordError) -> SourceCoordinates? {
    guard parser.kind(Field.retracts) != .absent else { return nil }
    guard let text = parser.text(Field.retracts), let source = SourceCoordinates(text: text) else {
      throw RecordError(missing: "retracts")
    }
    return source
  }
}

extension FlatJSONParser {
  /// A rating in stars; `nil` for null.
  package func stars(_ field: Int, _ name: StaticString) throws(RecordError) -> HalfStars? {
    if kind(field) == .null { return nil }
    return try require(name, double(field).flatMap { HalfStars(stars: $0) })
  }

  /// An event time within `EventTime.representable`.
  package func time(_ field: Int, _ name: StaticString) throws(RecordError) -> Int64 {
    let time = try require(name, integer(field))
    guard EventTime.representable.contains(time) else { throw RecordError(missing: name) }
    return time
  }

  func source(partition: Int64?, offset: Int64?) throws(RecordError) -> SourceCoordinates {
    SourceCoordinates(
      partition: try require("source_partition", partition.flatMap { Int32(exactly: $0) }),
      offset: try require("source_offset", offset))
  }
}
