import EventStream
import Streams
import Synchronization

/// What the stages of a running daemon do, from its events.
final class DaemonStatus: Sendable {
  private final class Memory: Sendable {
    let board = Mutex(StatusBoard())
  }

  private let memory: Memory
  private let follower: EventFollower

  /// - Parameter path: of the daemon's socket, which needn't exist yet.
  init(path: String) {
    let memory = Memory()
    self.memory = memory
    follower = EventFollower(path: path, includesBatches: false) { message in
      memory.board.withLock { $0.apply(message) }
    }
  }

  /// The restores under way, by changelog.
  var restores: [RestoreStatus] { memory.board.withLock(\.self).restores }

  func stop() { follower.stop() }
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
