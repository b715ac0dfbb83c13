import Logging
import Synchronization

/// What was logged, a line's message and fields.
final class Lines: Sendable {
  private let lines = Mutex<[(message: String, fields: [String: String])]>([])

  func fields(of message: String) -> [[String: String]] {
    lines.withLock { $0.filter { $0.message == message }.map(\.fields) }
  }

  func logger() -> Logger {
    Logger(label: "test", factory: { _ in Handler(lines: self) })
  }

  private func append(_ message: String, _ fields: [String: String]) {
    lines.withLock { $0.append((message, fields)) }
  }

  private struct Handler: LogHandler {
    let lines: Lines
    var logLevel = Logger.Level.info
    var metadata: Logger.Metadata = [:]

    subscript(metadataKey key: String) -> Logger.Metadata.Value? {
      get { metadata[key] }
      set { metadata[key] = newValue }
    }

    func log(event: LogEvent) {
      lines.append(
        event.message.description, (event.metadata ?? [:]).mapValues(\.description))
    }
  }
}
