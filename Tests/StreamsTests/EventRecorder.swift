import Synchronization

@testable import Streams

/// Keeps the events it receives.
final class EventRecorder: Sendable {
  private let received = Mutex<[EngineEvent]>([])

  var sink: EventSink { EventSink { [self] event in received.withLock { $0.append(event) } } }
  var events: [EngineEvent] { received.withLock { $0 } }
  var kinds: [EngineEvent.Kind] { events.map(\.kind) }
  /// How often the stage has joined its group.
  var joins: Int { kinds.count { if case .joining = $0 { true } else { false } } }
}
