import EventStream
import Streams

/// What the stages of a running daemon do, from its events.
final class DaemonStatus: Sendable {
  private let followed: FollowedValue<StatusBoard>

  /// - Parameter path: of the daemon's socket, which needn't exist yet.
  init(path: String) {
    followed = FollowedValue(path: path, StatusBoard()) { $0.apply($1) }
  }

  /// The restores under way, by changelog.
  var restores: [RestoreStatus] { followed.value.restores }

  func stop() { followed.stop() }
}

extension StatusBoard {
  mutating func apply(_ message: EventMessage) {
    switch message.content {
    case .snapshot(let board, _): self = board
    case .event(let event): apply(event)
    case .daemon: break
    }
  }

  var restores: [RestoreStatus] {
    let restores = stages.compactMap { stage in
      if case .restoring(let status) = stage.phase { status } else { nil }
    }
    return restores.sorted { $0.changelog < $1.changelog }
  }
}
