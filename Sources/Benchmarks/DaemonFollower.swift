import EventStream
import Foundation
import Streams

/// What a daemon has reported since its start, except its batches.
struct DaemonHistory: Hashable, Sendable {
  struct Entry: Hashable, Sendable {
    var time: Date
    var event: EngineEvent
  }

  /// The stages' events, in order.
  private(set) var events: [Entry] = []
  /// When the daemon began to start its stages.
  private(set) var starting: Date?
  /// Whether all stages have been running.
  private(set) var isReady = false
  /// How many messages there were, of all kinds.
  private(set) var count = 0

  mutating func receive(_ message: EventMessage) {
    count += 1
    let time = Date(timeIntervalSince1970: Double(message.time) / 1000)
    switch message.content {
    case .snapshot(_, let isReady): self.isReady = isReady
    case .event(let event): events.append(Entry(time: time, event: event))
    case .daemon(.starting): starting = time
    case .daemon(.ready): isReady = true
    }
  }

  /// How many events somebody should have a look at.
  var complaints: Int { events.count { $0.event.kind.isComplaint } }
}

extension EngineEvent.Kind {
  /// Whether something has gone wrong, even if the daemon can deal with it.
  fileprivate var isComplaint: Bool {
    switch self {
    case .rejoining, .storeRebuilt, .storeRefused, .standbyFailed, .batchAborted, .waiting,
      .offsetsDiffer, .foreignOffset, .retentionGuard, .partitionsUnused:
      true
    case .joining, .assigned, .processing, .revoked, .fencingPredecessor, .disownFailed,
      .storeOpened, .storeAdopted, .restoring, .restored, .upgrading, .upgraded, .notUpgraded,
      .standbyOpened, .policyChanged, .eventsRefused, .eventsAccepted,
      .modelsChanged, .hitsCounted,
      .batchCommitted,
      .positions, .resumed:
      false
    // They lead to `rejoining`.
    case .lost, .fenced: false
    case .stopped(let reason): reason != nil
    }
  }
}

/// Follows one daemon, from before it serves its events to its end.
final class DaemonFollower: Sendable {
  private let followed: FollowedValue<DaemonHistory>

  /// - Parameter path: of the daemon's socket.
  init(path: String) {
    followed = FollowedValue(path: path, DaemonHistory()) { $0.receive($1) }
  }

  /// So far.
  var history: DaemonHistory { followed.value }

  func stop() { followed.stop() }
}

/// When stages had their state.
struct RestoreSpan: Hashable, Sendable {
  private(set) var start: Date
  private(set) var end: Date

  var seconds: Double { end.timeIntervalSince(start) }

  /// - Parameter stages: whose restores count; the span is from the first one's start to the last
  ///   one's end.
  /// - Returns: `nil` when none of them has restored anything.
  init?(of stages: Set<String>, in history: DaemonHistory) {
    let restores = history.events.compactMap { entry -> (start: Date, end: Date)? in
      guard stages.contains(entry.event.stage), case .restored(let summary) = entry.event.kind
      else { return nil }
      return (entry.time - summary.duration / .seconds(1), entry.time)
    }
    guard let start = restores.map(\.start).min(), let end = restores.map(\.end).max() else {
      return nil
    }
    self.start = start
    self.end = end
  }
}
