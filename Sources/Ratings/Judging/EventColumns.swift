/// The fields that an event is read from, by their index in a parser's list.
enum EventField {
  static let user = 0
  static let movie = 1
  static let rating = 2
  static let timestamp = 3
  static let eventType = 4
  static let genres = 5
  static let session = 6
  static let retracts = 7
  /// Debezium's mark of a deleted row, once its envelope is taken off.
  static let deleted = 8

  static let names: [StaticString] = [
    "user_id", "movie_id", "rating", "timestamp", "event_type", "genres", "session_id", "retracts",
    "__deleted",
  ]
  /// Those of an event's own.
  static let own = 0..<8
  /// A bit for each of the fields that most events don't have.
  static let rare: UInt32 = 0b1_1111_0000
}

/// What one field of an event says, read as the field's type.
enum Column<Value: Sendable>: Sendable {
  case absent
  case null
  case value(Value)
  /// JSON of a type that can't be read as the field's.
  case ofOtherType
  /// A number beyond what the field's type holds.
  case outOfRange
  /// A text that spells no value of the field's type.
  case unreadable

  var value: Value? {
    if case .value(let value) = self { value } else { nil }
  }
}

/// An event as typed columns: what rules look at, wherever it comes from.
struct EventColumns: ~Copyable, Sendable {
  var user = Column<Int64>.absent
  var movie = Column<Int64>.absent
  /// In stars.
  var rating = Column<Double>.absent
  /// Event time in milliseconds since 1970 (UTC).
  var time = Column<Int64>.absent
  var type = Column<EventType>.absent
  /// Those that are text, at most as many as are allowed.
  var genres = Column<[String]>.absent
  var session = Column<String>.absent
  var retracts = Column<SourceCoordinates>.absent
  /// How many elements `genres` has, at most one more than are allowed.
  var genreCount = 0
  /// Whether one of them is no text.
  var hasForeignGenre = false
  /// A bit for each field, by its index, that occurs more than once.
  var repeated: UInt32 = 0
  /// Whether it has more than user, movie, rating and time.
  var hasRare = false

  /// What the event is: a rating if it doesn't say.
  var knownType: EventType? {
    switch type {
    case .absent, .null: .rating
    case .value(let type): type
    default: nil
    }
  }
}
