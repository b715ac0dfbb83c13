import Foundation

/// What `--json` prints.
package enum JSONText {
  /// The value as indented JSON with sorted keys.
  package static func of<Value: Encodable>(_ value: Value) throws -> String {
    let encoder = JSONEncoder()
    encoder.outputFormatting = [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes]
    return String(decoding: try encoder.encode(value), as: UTF8.self)
  }
}
