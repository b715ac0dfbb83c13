import Glibc
import Logging

/// Writes log messages to a sink, one line each, as text or as JSON.
struct StreamHandler: LogHandler {
  /// `time` is UTC with milliseconds in JSON, and the local time of day in text.
  enum Form: Sendable {
    /// `18:59:00.123 info     user    partition assigned partition=3 topic=user-ratings`
    case text
    /// `{"time":"…","level":"info","logger":"user","message":"…","partition":3}`
    case json
  }

  let label: String
  let form: Form
  let sink: LogSink
  var logLevel: Logger.Level
  var metadata: Logger.Metadata = [:]
  var metadataProvider: Logger.MetadataProvider?

  init(label: String, form: Form, level: Logger.Level, sink: LogSink) {
    self.label = label
    self.form = form
    self.sink = sink
    logLevel = level
  }

  subscript(metadataKey key: String) -> Logger.Metadata.Value? {
    get { metadata[key] }
    set { metadata[key] = newValue }
  }

  func log(event: LogEvent) {
    let fields = fields(of: event)
    let now = LogTime.now()
    sink.writeLine { line in
      switch form {
      case .text:
        LogText.append(now, event.level, label, event.message.description, fields, to: &line)
      case .json:
        LogJSON.append(now, event.level, label, event.message.description, fields, to: &line)
      }
    }
  }

  /// The message's own fields over the provider's over the handler's, and its error. Merges only
  /// when there is more than one source of them.
  private func fields(of event: LogEvent) -> Logger.Metadata {
    var fields = metadata
    if let provided = metadataProvider?.get() { Self.merge(provided, into: &fields) }
    if let own = event.metadata { Self.merge(own, into: &fields) }
    if let error = event.error { fields["error"] = "\(error)" }
    return fields
  }

  private static func merge(_ newer: Logger.Metadata, into fields: inout Logger.Metadata) {
    if fields.isEmpty {
      fields = newer
    } else {
      fields.merge(newer) { _, newer in newer }
    }
  }
}

/// A moment as log lines write it.
struct LogTime {
  var seconds: time_t
  var milliseconds: Int

  static func now() -> LogTime {
    var time = timespec()
    clock_gettime(CLOCK_REALTIME, &time)
    return LogTime(seconds: time.tv_sec, milliseconds: time.tv_nsec / 1_000_000)
  }

  /// `2023-11-14T22:13:20.123Z`
  func appendUTC(to line: inout [UInt8]) {
    var parts = tm()
    var seconds = seconds
    gmtime_r(&seconds, &parts)
    Self.append(Int(parts.tm_year) + 1900, digits: 4, to: &line)
    line.append(UInt8(ascii: "-"))
    Self.append(Int(parts.tm_mon) + 1, digits: 2, to: &line)
    line.append(UInt8(ascii: "-"))
    Self.append(Int(parts.tm_mday), digits: 2, to: &line)
    line.append(UInt8(ascii: "T"))
    appendTime(parts, to: &line)
    line.append(UInt8(ascii: "Z"))
  }

  /// `22:13:20.123` in the local time zone.
  func appendLocalTimeOfDay(to line: inout [UInt8]) {
    var parts = tm()
    var seconds = seconds
    localtime_r(&seconds, &parts)
    appendTime(parts, to: &line)
  }

  private func appendTime(_ parts: tm, to line: inout [UInt8]) {
    Self.append(Int(parts.tm_hour), digits: 2, to: &line)
    line.append(UInt8(ascii: ":"))
    Self.append(Int(parts.tm_min), digits: 2, to: &line)
    line.append(UInt8(ascii: ":"))
    Self.append(Int(parts.tm_sec), digits: 2, to: &line)
    line.append(UInt8(ascii: "."))
    Self.append(milliseconds, digits: 3, to: &line)
  }

  private static func append(_ value: Int, digits: Int, to line: inout [UInt8]) {
    let start = line.count
    line.append(contentsOf: repeatElement(UInt8(ascii: "0"), count: digits))
    var rest = value
    for index in (start..<line.count).reversed() {
      line[index] += UInt8(rest % 10)
      rest /= 10
    }
  }
}
