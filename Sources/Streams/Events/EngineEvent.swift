public import EventLog

/// What the engine does, as values: one per batch or change of state, never one per record.
///
/// Log lines, the status snapshot, metrics and the daemon's event stream are sinks of these events.
public struct EngineEvent: Hashable, Sendable {
  /// The stage's name, as its declaration has it.
  public var stage: String
  public var kind: Kind

  public init(stage: String, _ kind: Kind) {
    self.stage = stage
    self.kind = kind
  }

  public enum Kind: Hashable, Sendable {
    /// The stage asks to join its consumer group.
    case joining(group: String)
    /// The group gives these partitions to the stage; their stores open next.
    case assigned([TopicPartition])
    /// The stage reads these partitions: all that it owns now.
    case processing([TopicPartition])
    /// The group takes these partitions back, in good order.
    case revoked([TopicPartition])
    /// The group has given these partitions to another member.
    case lost([TopicPartition])
    /// A dead instance's transactions are aborted before its partitions are read.
    case fencingPredecessor(instance: String)
    /// A newer producer or member took this one's place.
    case fenced(Reason)
    /// The stage leaves its group to join it again.
    case rejoining(Reason)

    /// A partition's store is open and stands for this input offset; `nil` for an empty one.
    case storeOpened(partition: Int32, inputOffset: Int64?)
    /// A partition's store is deleted and rebuilt from its changelog.
    case storeRebuilt(partition: Int32, Reason)
    /// A partition's store can't be used, and the stage stops.
    case storeRefused(partition: Int32, Reason)
    /// A restore begins or gets on.
    case restoring(RestoreStatus)
    /// A restore has reached the changelog's end.
    case restored(RestoreSummary)
    /// An instance keeps a copy of a partition that another one owns.
    case standbyOpened(changelog: TopicPartition)
    /// A standby copy can't be kept up for now.
    case standbyFailed(Reason)

    case batchCommitted(BatchSummary)
    /// A batch is thrown away and read again from the last commit.
    case batchAborted(Reason)
    /// Positions of an idle stage, when they differ from those told before.
    case positions([TopicPartition: PartitionPosition])
    /// Something outside holds the stage up; it tries again.
    case waiting(Reason)
    /// What held the stage up is over.
    case resumed
    /// The group's committed offset differs from the state's, which wins.
    case offsetsDiffer(TopicPartition, committed: Int64, state: Int64)
    /// Records that a position stands for are not in the log: the stage stops.
    case retentionGuard(TopicPartition, Reason)

    /// The stage ended; `nil` when it was told to.
    case stopped(Reason?)
  }
}

/// Where a stage stands in one of its input partitions.
public struct PartitionPosition: Hashable, Sendable {
  /// Offset of the next record to process.
  public var nextOffset: Int64
  /// The partition's end as the newest fetch told it; transaction markers count as records.
  public var endOffset: Int64

  public init(nextOffset: Int64, endOffset: Int64) {
    self.nextOffset = nextOffset
    self.endOffset = endOffset
  }

  public var lag: Int64 { max(0, endOffset - nextOffset) }
}

/// One committed batch.
public struct BatchSummary: Hashable, Sendable {
  /// Input records processed.
  public var records: Int
  /// Bytes of their keys and values.
  public var bytes: Int
  /// Records dropped since the stage joined because they were below their partition's position.
  public var redeliveries: Int
  /// From the batch's first record to the beginning of its commit.
  public var open: Duration
  /// How long each step of the commit took, in order.
  public var steps: [StepTime]
  /// Where all partitions of the stage stand after it.
  public var positions: [TopicPartition: PartitionPosition]

  public struct StepTime: Hashable, Sendable {
    public var step: CommitStep
    public var duration: Duration

    public init(_ step: CommitStep, _ duration: Duration) {
      self.step = step
      self.duration = duration
    }
  }

  public init(
    records: Int, bytes: Int, redeliveries: Int, open: Duration, steps: [StepTime],
    positions: [TopicPartition: PartitionPosition]
  ) {
    self.records = records
    self.bytes = bytes
    self.redeliveries = redeliveries
    self.open = open
    self.steps = steps
    self.positions = positions
  }
}

/// A restore under way.
public struct RestoreStatus: Hashable, Sendable {
  public var changelog: String
  /// How many partitions are restored together.
  public var partitions: Int
  /// Changelog offsets passed, and how many there are; transaction markers count.
  public var applied: Int64
  public var total: Int64
  /// Offsets per second; `nil` before the first two seconds are over.
  public var rate: Double?
  /// `nil` where `rate` is.
  public var timeLeft: Duration?

  public init(
    changelog: String, partitions: Int, applied: Int64, total: Int64, rate: Double? = nil,
    timeLeft: Duration? = nil
  ) {
    self.changelog = changelog
    self.partitions = partitions
    self.applied = applied
    self.total = total
    self.rate = rate
    self.timeLeft = timeLeft
  }

  /// Of 100; 100 for an empty changelog.
  public var percent: Int { total > 0 ? Int(100 * applied / total) : 100 }
}

/// A restore that has reached the end.
public struct RestoreSummary: Hashable, Sendable {
  public var changelog: String
  public var partitions: Int
  /// Changelog records applied.
  public var records: Int
  public var duration: Duration

  public init(changelog: String, partitions: Int, records: Int, duration: Duration) {
    self.changelog = changelog
    self.partitions = partitions
    self.records = records
    self.duration = duration
  }
}
