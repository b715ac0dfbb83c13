import Foundation

/// One line of a daemon's log in JSON.
struct DaemonEvent: Hashable, Sendable {
  var time: Date
  var level: String
  /// The stage, or another part of the daemon.
  var logger: String
  var message: String
  /// All other fields.
  var fields: [String: String]

  /// - Returns: `nil` for what is no such line: a crash's last words, say.
  init?(line: Substring) {
    guard
      let object = try? JSONSerialization.jsonObject(with: Data(line.utf8)) as? [String: Any],
      let time = (object["time"] as? String).flatMap(Self.parse),
      let level = object["level"] as? String, let logger = object["logger"] as? String,
      let message = object["message"] as? String
    else { return nil }
    self.time = time
    self.level = level
    self.logger = logger
    self.message = message
    fields = object.compactMapValues { $0 as? String }
    for name in ["time", "level", "logger", "message"] { fields[name] = nil }
  }

  private static func parse(_ time: String) -> Date? {
    try? Date.ISO8601FormatStyle(includingFractionalSeconds: true).parse(time)
  }

  /// Whether somebody should have a look.
  var isComplaint: Bool { ["warning", "error", "critical"].contains(level) }
}

/// What a daemon has logged so far.
struct DaemonLog: Sendable {
  let path: String

  var lines: [Substring] {
    let text = (try? String(contentsOfFile: path, encoding: .utf8)) ?? ""
    return text.split(separator: "\n")
  }

  var events: [DaemonEvent] { lines.compactMap(DaemonEvent.init) }
}

/// When a stage had its state, as its log tells.
struct RestoreSpan: Hashable, Sendable {
  private(set) var start: Date
  private(set) var end: Date

  var seconds: Double { end.timeIntervalSince(start) }

  /// - Parameter stages: whose restores count; the span is from the first one's start to the last
  ///   one's end.
  /// - Returns: `nil` when none of them has restored anything.
  init?(of stages: Set<String>, in events: [DaemonEvent]) {
    let ends = events.filter { stages.contains($0.logger) && $0.message == "state restored" }
    let starts = ends.compactMap { event in
      event.fields["milliseconds"].flatMap(Double.init).map {
        event.time.addingTimeInterval(-$0 / 1000)
      }
    }
    guard let start = starts.min(), let end = ends.map(\.time).max() else { return nil }
    self.start = start
    self.end = end
  }
}
