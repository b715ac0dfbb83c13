import Logging

/// Log lines for people: time of day, level, who writes, message, `key=value`.
enum LogText {
  /// As wide as the names of nearly all stages.
  private static let labelWidth = 7

  static func append(
    _ time: LogTime, _ level: Logger.Level, _ label: String, _ message: String,
    _ fields: Logger.Metadata, to line: inout [UInt8]
  ) {
    time.appendLocalTimeOfDay(to: &line)
    line.append(UInt8(ascii: " "))
    line.append(contentsOf: level.rawValue.utf8)
    // The longest level, critical, has eight letters.
    line.append(
      contentsOf: repeatElement(UInt8(ascii: " "), count: 9 - level.rawValue.utf8.count))
    appendEscaped(label, to: &line)
    let padding = max(0, labelWidth - label.utf8.count) + 1
    line.append(contentsOf: repeatElement(UInt8(ascii: " "), count: padding))
    appendEscaped(message, to: &line)
    for (key, value) in fields.sorted(by: { $0.key < $1.key }) {
      line.append(UInt8(ascii: " "))
      appendEscaped(key, to: &line)
      line.append(UInt8(ascii: "="))
      append(value, to: &line)
    }
  }

  private static func append(_ value: Logger.Metadata.Value, to line: inout [UInt8]) {
    let text = value.description
    let isPlain = !text.isEmpty && text.utf8.allSatisfy { $0 > 0x20 && $0 != 0x22 && $0 != 0x3D }
    if isPlain {
      appendEscaped(text, to: &line)
    } else {
      LogJSON.appendString(text, to: &line)
    }
  }

  /// Control characters could forge lines or drive the terminal.
  private static func appendEscaped(_ text: String, to line: inout [UInt8]) {
    for byte in text.utf8 {
      switch byte {
      case 0x0A: line.append(contentsOf: "\\n".utf8)
      case 0x09: line.append(contentsOf: "\\t".utf8)
      case 0..<0x20, 0x7F:
        line.append(contentsOf: "\\x".utf8)
        LogJSON.appendHex(byte, to: &line)
      default: line.append(byte)
      }
    }
  }
}
