import Foundation

/// What `--json` prints.
package enum JSONText {
  /// The value as indented JSON with sorted keys, which are the properties' names in snake_case.
  /// Those of dictionaries stay as they are.
  package static func of<Value: Encodable>(_ value: Value) throws -> String {
    let encoder = JSONEncoder()
    encoder.keyEncodingStrategy = .convertToSnakeCase
    encoder.dateEncodingStrategy = .iso8601
    encoder.outputFormatting = [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes]
    return String(decoding: try encoder.encode(value), as: UTF8.self)
  }
}
