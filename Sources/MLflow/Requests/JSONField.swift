import Foundation

/// A value in a request's JSON.
indirect enum JSONField: Hashable, Sendable, Encodable {
  case text(String)
  case integer(Int64)
  case number(Double)
  case list([JSONField])
  case object([String: JSONField])

  func encode(to encoder: any Encoder) throws {
    var container = encoder.singleValueContainer()
    switch self {
    case .text(let text): try container.encode(text)
    case .integer(let number): try container.encode(number)
    case .number(let number): try container.encode(number)
    case .list(let fields): try container.encode(fields)
    case .object(let fields): try container.encode(fields)
    }
  }

  /// The JSON, its keys in order. Empty where a number is not finite, which JSON can't say.
  var bytes: [UInt8] {
    let encoder = JSONEncoder()
    encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
    return (try? encoder.encode(self)).map { Array($0) } ?? []
  }
}

extension JSONField: ExpressibleByStringInterpolation {
  init(stringLiteral text: String) { self = .text(text) }
}

extension JSONField: ExpressibleByDictionaryLiteral {
  init(dictionaryLiteral fields: (String, JSONField)...) {
    self = .object(Dictionary(uniqueKeysWithValues: fields))
  }
}
