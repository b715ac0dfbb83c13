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
      append(value, to: &line)
    }
    line.append(UInt8(ascii: "}"))
  }

  private static func append(_ value: Logger.Metadata.Value, to line: inout [UInt8]) {
    switch value {
    case .string(let text): appendString(text, to: &line)
    case .stringConvertible(let value): appendString(value.description, to: &line)
    case .array(let elements):
      line.append(UInt8(ascii: "["))
      for (index, element) in elements.enumerated() {
        if index > 0 { line.append(UInt8(ascii: ",")) }
        append(element, to: &line)
      }
      line.append(UInt8(ascii: "]"))
    case .dictionary(let members):
      line.append(UInt8(ascii: "{"))
      for (index, member) in members.sorted(by: { $0.key < $1.key }).enumerated() {
        if index > 0 { line.append(UInt8(ascii: ",")) }
        appendString(member.key, to: &line)
        line.append(UInt8(ascii: ":"))
        append(member.value, to: &line)
      }
      line.append(UInt8(ascii: "}"))
    }
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
