public import EventLog
import Synchronization

/// What a stage is doing, for whoever looks at it from another thread. Written once a batch, and while
/// there is nothing to do.
public final class StageMonitor: Sendable {
  private let status: Mutex<StageStatus>

  public init(stage: String) {
    status = Mutex(StageStatus(stage: stage))
  }

  public var snapshot: StageStatus { status.withLock { $0 } }

  var lag: Int64 { status.withLock { $0.lag } }

  func update(_ change: (inout StageStatus) -> Void) {
    status.withLock { change(&$0) }
  }
}

/// A stage's state at one moment.
public struct StageStatus: Sendable {
  public enum Phase: Hashable, Sendable {
    case starting
    /// In the group, or asking to be; nothing assigned yet.
    case joining
    /// Bringing stores up to the end of this changelog: records applied of all its partitions, and
    /// records there are. Transaction markers count as records here.
    case restoring(String, applied: Int64, total: Int64)
    case running
    /// Held up by something outside, in words.
    case waiting(String)
    case stopped
  }

  public struct Partition: Hashable, Sendable {
    public var nextOffset: Int64
    /// As the newest fetch told; transaction markers count as records here.
    public var endOffset: Int64
    public var lag: Int64 { max(0, endOffset - nextOffset) }
  }

  public var stage: String
  public var phase: Phase = .starting
  public var partitions: [TopicPartition: Partition] = [:]
  /// Records processed since the start.
  public var records: Int64 = 0
  public var batches: Int64 = 0
  public var abortedBatches: Int64 = 0
  /// Records dropped because they were below their partition's position.
  public var redeliveries: Int64 = 0

  public init(stage: String) { self.stage = stage }

  public var lag: Int64 { partitions.values.reduce(0) { $0 + $1.lag } }
}

/// Tells stages to finish their batch and leave. Set once, from any thread.
public final class StopSignal: Sendable {
  private let isSet = Atomic(false)

  public init() {}

  public func stop() { isSet.store(true, ordering: .releasing) }
  public var isStopped: Bool { isSet.load(ordering: .acquiring) }
}
