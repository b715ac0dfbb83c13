/// Where the engine's events go. Called on the stage's thread, so a sink that takes long hands them
/// to another thread.
public struct EventSink: Sendable {
  public let receive: @Sendable (EngineEvent) -> Void

  public init(_ receive: @escaping @Sendable (EngineEvent) -> Void) {
    self.receive = receive
  }

  /// Drops every event.
  public static let none = EventSink { _ in }

  /// Hands each event to all of these, in order.
  public static func all(_ sinks: [EventSink]) -> EventSink {
    EventSink { event in for sink in sinks { sink.receive(event) } }
  }
}
