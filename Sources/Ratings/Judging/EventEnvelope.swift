import Codecs

/// What an event may be wrapped in, once or more than once.
enum EventEnvelope: Sendable {
  case connect
  case debezium
  case cloudEvents

  var coercion: Coercion {
    switch self {
    case .connect: .connectEnvelope
    case .debezium: .debeziumEnvelope
    case .cloudEvents: .cloudEvents
    }
  }

  /// The fields of envelopes, after the event's own.
  enum Field {
    static let schema = 9
    static let payload = 10
    static let before = 11
    static let after = 12
    static let operation = 13
    static let operationTime = 14
    static let specVersion = 15
    static let data = 16
    static let base64 = 17
    static let time = 18
    static let names: [StaticString] = [
      "schema", "payload", "before", "after", "op", "ts_ms", "specversion", "data", "data_base64",
      "time",
    ]
  }

  /// The envelope whose fields a parser has found.
  init?(_ parser: borrowing FlatJSONParser) {
    // An event never has these names for itself, so a user is enough to tell.
    guard parser.kind(EventField.user) == .absent else { return nil }
    if parser.isThere(Field.schema), parser.isThere(Field.payload) {
      self = .connect
    } else if parser.kind(Field.operation) == .string,
      parser.isThere(Field.before) || parser.isThere(Field.after)
        || parser.isThere(Field.operationTime)
    {
      self = .debezium
    } else if parser.kind(Field.specVersion) == .string {
      self = .cloudEvents
    } else {
      return nil
    }
  }
}

extension FlatJSONParser {
  /// Whether an object has the field under just this name.
  fileprivate func isThere(_ field: Int) -> Bool {
    kind(field) != .absent && !isSpelledOtherwise(field)
  }
}
