import Logging

/// Log lines for machines: one JSON object each, the fields next to time, level and message.
enum LogJSON {
  /// A field of one of these names is written with an underscore behind it.
  private static let reserved: Set<String> = ["time", "level", "logger", "message"]

  static func append(
    _ time: LogTime, _ level: Logger.Level, _ label: String, _ message: String,
    _ fields: Logger.Metadata, to line: inout [UInt8]
  ) {
    line.append(contentsOf: "{\"time\":\"".utf8)
    time.appendUTC(to: &line)
    line.append(contentsOf: "\",\"level\":\"".utf8)
    line.append(contentsOf: level.rawValue.utf8)
    line.append(contentsOf: "\",\"logger\":".utf8)
    appendString(label, to: &line)
    line.append(contentsOf: ",\"message\":".utf8)
    appendString(message, to: &line)
    for (key, value) in fields.sorted(by: { $0.key < $1.key }) {
      line.append(UInt8(ascii: ","))
      appendString(reserved.contains(key) ? key + "_" : key, to: &line)
      line.append(UInt8(ascii: ":"))
      append(value, of: key, to: &line)
    }
    line.append(UInt8(ascii: "}"))
  }

  private static func append(
    _ value: Logger.Metadata.Value, of key: String, to line: inout [UInt8]
  ) {
    switch value {
    case .string(let text): append(text, of: key, to: &line)
    case .stringConvertible(let value): append(value.description, of: key, to: &line)
    case .array(let elements):
      line.append(UInt8(ascii: "["))
      for (index, element) in elements.enumerated() {
        if index > 0 { line.append(UInt8(ascii: ",")) }
        append(element, of: key, to: &line)
      }
      line.append(UInt8(ascii: "]"))
    case .dictionary(let members):
      line.append(UInt8(ascii: "{"))
      for (index, member) in members.sorted(by: { $0.key < $1.key }).enumerated() {
        if index > 0 { line.append(UInt8(ascii: ",")) }
        appendString(member.key, to: &line)
        line.append(UInt8(ascii: ":"))
        append(member.value, of: member.key, to: &line)
      }
      line.append(UInt8(ascii: "}"))
    }
  }

  /// Fields that are names or sentences, even when they look like numbers.
  private static let names: Set<String> = [
    "application", "applications", "asked", "client_id", "cluster", "code", "error", "example",
    "facility", "file", "group", "host", "instance", "key", "kept_models", "member", "model",
    "owner", "reason",
    "stage", "stages", "topic", "value", "version",
  ]

  /// A call site writes a number into a text (`"partition": "\(partition)"`), as is the habit with
  /// swift-log; who reads JSON wants the number.
  private static func append(_ text: String, of key: String, to line: inout [UInt8]) {
    if !names.contains(key), isNumber(text) {
      line.append(contentsOf: text.utf8)
    } else {
      appendString(text, to: &line)
    }
  }

  /// Whether the text is a JSON number that every reader holds exactly: an integer of at most 15
  /// digits, or one with a fraction.
  static func isNumber(_ text: String) -> Bool {
    var digits = Array(text.utf8)[...]
    if digits.first == UInt8(ascii: "-") { digits = digits.dropFirst() }
    let parts = digits.split(separator: UInt8(ascii: "."), omittingEmptySubsequences: false)
    guard (1...2).contains(parts.count), (1...15).contains(parts[0].count),
      parts.allSatisfy({ !$0.isEmpty && $0.allSatisfy { (0x30...0x39).contains($0) } })
    else { return false }
    return parts[0].count == 1 || parts[0].first != UInt8(ascii: "0")
  }

  /// Appends text in quotes, with quotes, backslashes and control characters escaped.
  static func appendString(_ text: String, to line: inout [UInt8]) {
    line.append(UInt8(ascii: "\""))
    for byte in text.utf8 {
      switch byte {
      case 0x22, 0x5C:
        line.append(0x5C)
        line.append(byte)
      case 0x0A: line.append(contentsOf: "\\n".utf8)
      case 0x09: line.append(contentsOf: "\\t".utf8)
      case 0..<0x20, 0x7F:
        line.append(contentsOf: "\\u00".utf8)
        appendHex(byte, to: &line)
      default: line.append(byte)
      }
    }
    line.append(UInt8(ascii: "\""))
  }

  /// Appends the two hexadecimal digits of a byte.
  static func appendHex(_ byte: UInt8, to line: inout [UInt8]) {
    for digit in [byte >> 4, byte & 0x0F] {
      line.append(digit < 10 ? UInt8(ascii: "0") + digit : UInt8(ascii: "a") + digit - 10)
    }
  }
}
