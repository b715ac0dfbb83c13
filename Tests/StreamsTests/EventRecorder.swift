import Synchronization

@testable import Streams

/// Keeps the events it receives.
final class EventRecorder: Sendable {
  private let received = Mutex<[EngineEvent]>([])

  var sink: EventSink { EventSink { [self] event in received.withLock { $0.append(event) } } }
  var events: [EngineEvent] { received.withLock { $0 } }
  var kinds: [EngineEvent.Kind] { events.map(\.kind) }
}
