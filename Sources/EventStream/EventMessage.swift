public import Streams

/// One line of the daemon's event stream.
public struct EventMessage: Hashable, Sendable {
  public enum Content: Hashable, Sendable {
    /// How all stages stand: the first line that a client gets. The events that follow it are those
    /// that are not in it yet.
    case snapshot(StatusBoard)
    case event(EngineEvent)
  }

  /// When it happened, in milliseconds since 1970.
  public var time: Int64
  public var content: Content

  public init(time: Int64, _ content: Content) {
    self.time = time
    self.content = content
  }
}

/// Why the event stream can't be served or read.
public enum EventStreamError: Error, Hashable, Sendable, CustomStringConvertible {
  /// A running daemon serves the socket.
  case inUse(path: String)
  /// A system call failed, with the system's words.
  case system(operation: String, path: String, reason: String)
  /// The daemon has closed the connection: it has ended, or the client was too slow.
  case closed
  /// A line is not what the format says.
  case malformed(String)

  public var description: String {
    switch self {
    case .inUse(let path): "another daemon serves \(path)"
    case .system(let operation, let path, let reason): "can't \(operation) \(path): \(reason)"
    case .closed: "the daemon has closed the event stream"
    case .malformed(let what): "the event stream holds what it may not: \(what)"
    }
  }
}
