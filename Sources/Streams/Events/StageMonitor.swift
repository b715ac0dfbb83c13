import EventLog
import Synchronization

/// What a stage is doing, for whoever looks at it from another thread: the fold of its events.
public final class StageMonitor: Sendable {
  /// By worker; one entry for a stage with a single thread.
  private let workers: Mutex<[Int?: StageStatus]>
  private let stage: String

  /// - Parameter workers: how many threads the stage has; `nil` for one without a number.
  public init(stage: String, workers: Int? = nil) {
    let numbers: [Int?] = if let workers { (0..<workers).map(\.self) } else { [nil] }
    self.stage = stage
    self.workers = Mutex(
      Dictionary(uniqueKeysWithValues: numbers.map { ($0, StageStatus(stage: stage)) }))
  }

  /// Takes the stage's events, and no others.
  public var sink: EventSink {
    EventSink { [self] event in
      guard event.stage == stage else { return }
      workers.withLock { $0[event.worker, default: StageStatus(stage: stage)].apply(event) }
    }
  }

  public var snapshot: StageStatus {
    let statuses = workers.withLock { Array($0.values) }
    return StageStatus(stage: stage, merging: statuses)
  }

  var lag: Int64 { workers.withLock { $0.values.reduce(0) { $0 + $1.lag } } }
}
