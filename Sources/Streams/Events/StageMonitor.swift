import EventLog
import Synchronization

/// What a stage is doing, for whoever looks at it from another thread: the fold of its events.
public final class StageMonitor: Sendable {
  private let board: Mutex<StatusBoard>
  private let stage: String

  /// - Parameter workers: how many threads the stage has; `nil` for one without a number.
  public init(stage: String, workers: Int? = nil) {
    self.stage = stage
    board = Mutex(StatusBoard(stage: stage, workers: workers))
  }

  /// Takes the stage's events, and no others.
  public var sink: EventSink {
    EventSink { [self] event in
      guard event.stage == stage else { return }
      board.withLock { $0.apply(event) }
    }
  }

  public var snapshot: StageStatus { board.withLock { $0 }.status(of: stage) }

  var lag: Int64 { board.withLock { $0.entries.reduce(0) { $0 + $1.status.lag } } }
}
