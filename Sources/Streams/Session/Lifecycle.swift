/// A state of something that lives: which states may follow it. The article on life cycles draws
/// them.
protocol LifecycleState: Hashable, CaseIterable, Sendable {
  var successors: Set<Self> { get }
}

extension LifecycleState {
  /// Goes on to a state that may follow this one; another one is a bug of the engine.
  mutating func move(to next: Self) {
    precondition(successors.contains(next), "\(self) can't become \(next)")
    self = next
  }
}

/// A partition, from the group's word that it is the session's until it is not any more.
enum PartitionState: String, LifecycleState {
  /// Its store is opened and brought up to date.
  case opening
  /// Its records are processed.
  case running
  /// No record of it is taken any more; its store is closed.
  case releasing
  /// It is somebody else's, or will be.
  case gone

  var successors: Set<PartitionState> {
    switch self {
    case .opening: [.running, .gone]
    case .running: [.releasing, .gone]
    case .releasing: [.gone]
    case .gone: []
    }
  }
}

/// A session's batch.
enum BatchState: String, LifecycleState {
  /// Nothing is processed that is not committed.
  case idle
  /// It takes records.
  case open
  /// The steps of its commit are under way.
  case committing

  var successors: Set<BatchState> {
    switch self {
    case .idle: [.open]
    case .open: [.committing, .idle]
    case .committing: [.idle]
    }
  }
}
