/// A state and those that may follow it, as the article on life cycles draws them.
protocol LifecycleState: Hashable, CaseIterable, Sendable {
  var successors: Set<Self> { get }
}

extension LifecycleState {
  /// Moves to a state that may follow this one. Any other is a bug in the engine.
  mutating func move(to next: Self) {
    precondition(successors.contains(next), "\(self) can't become \(next)")
    self = next
  }
}

/// The phase of a partition in a session.
enum PartitionPhase: String, LifecycleState {
  /// Its store is being opened and restored.
  case opening
  /// Its records are processed.
  case running
  /// Its records are ignored; its store is being closed.
  case releasing
  /// The session has nothing of it.
  case gone

  var successors: Set<PartitionPhase> {
    switch self {
    case .opening: [.running, .gone]
    case .running: [.releasing, .gone]
    case .releasing: [.gone]
    case .gone: []
    }
  }
}

/// The state of a session's batch.
enum BatchState: String, LifecycleState {
  /// Everything processed is committed.
  case idle
  /// It takes records.
  case open
  /// The steps of its commit are running.
  case committing

  var successors: Set<BatchState> {
    switch self {
    case .idle: [.open]
    case .open: [.committing, .idle]
    case .committing: [.idle]
    }
  }
}
