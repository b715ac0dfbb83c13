public import Streams

/// One line of the daemon's event stream.
public struct EventMessage: Hashable, Sendable {
  public enum Content: Hashable, Sendable {
    /// The status of all stages: the first line a client gets. It includes every earlier event and
    /// none of those that follow.
    case snapshot(StatusBoard, isReady: Bool)
    /// A stage's event.
    case event(EngineEvent)
    /// An event of the daemon as a whole.
    case daemon(DaemonEvent)
  }

  /// When it happened, in milliseconds since 1970.
  public var time: Int64
  public var content: Content

  public init(time: Int64, _ content: Content) {
    self.time = time
    self.content = content
  }
}

/// What the daemon as a whole does.
public enum DaemonEvent: Hashable, Sendable {
  /// The broker has answered and has the topics; the stages start.
  case starting(application: String, instance: String, guarantee: String)
  /// All stages are running, for the first time since the start.
  case ready
}

/// Why the event stream can't be served or read.
public enum EventStreamError: Error, Hashable, Sendable, CustomStringConvertible {
  /// A running daemon serves the socket.
  case inUse(path: String)
  /// A system call failed, with the system's words.
  case system(operation: String, path: String, reason: String)
  /// The daemon closed the connection: it stopped, or the client was too slow.
  case closed
  /// A line violates the format.
  case malformed(String)

  public var description: String {
    switch self {
    case .inUse(let path): "another daemon serves \(path)"
    case .system(let operation, let path, let reason): "can't \(operation) \(path): \(reason)"
    case .closed: "the daemon closed the event stream"
    case .malformed(let what): "malformed event stream: \(what)"
    }
  }
}
