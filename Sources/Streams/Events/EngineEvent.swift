public import EventLog

/// What the engine does, as values: one per batch or change of state, never one per record.
///
/// Log lines, the status snapshot, metrics and the daemon's event stream are sinks of these events.
public struct EngineEvent: Hashable, Sendable {
  /// Which part of a stage an event comes from.
  public enum Role: String, Hashable, Sendable, CaseIterable {
    /// The stage itself.
    case stage
    /// The thread that keeps the stage's standby copies.
    case standby
  }

  /// The stage's name, as its declaration has it.
  public var stage: String
  /// The stage's thread, where it has several.
  public var worker: Int?
  public var role: Role
  public var kind: Kind

  public init(stage: String, worker: Int? = nil, role: Role = .stage, _ kind: Kind) {
    self.stage = stage
    self.worker = worker
    self.role = role
    self.kind = kind
  }

  public enum Kind: Hashable, Sendable {
    /// The stage asks to join its consumer group.
    case joining(group: String)
    /// The group gives these partitions to the stage; their stores open next.
    case assigned([TopicPartition])
    /// The group gives these partitions to the stage, which leaves them alone: their topic has
    /// grown since the state was placed.
    case partitionsUnused([TopicPartition])
    /// The stage reads these partitions: all that it owns now.
    case processing([TopicPartition])
    /// The group takes these partitions back cleanly.
    case revoked([TopicPartition])
    /// The group has given these partitions to another member.
    case lost([TopicPartition])
    /// A dead instance's transactions are aborted before its partitions are read.
    case fencingPredecessor(instance: String)
    /// The stage's name stays on partitions it gives up, so their next owner aborts transactions
    /// that don't exist.
    case disownFailed(Reason)
    /// A newer producer or member took this one's place.
    case fenced(Reason)
    /// The stage leaves its group and rejoins after a pause; `attempt` restarts at 1 after a
    /// committed batch.
    case rejoining(Reason, attempt: Int)

    /// A partition's store is open and stands for this input offset; `nil` for an empty one.
    case storeOpened(partition: Int32, inputOffset: Int64?)
    /// A partition's store is deleted and will be rebuilt from its changelog.
    case storeRebuilt(partition: Int32, Reason)
    /// A partition's store can't be opened, although its content is intact.
    case storeRefused(partition: Int32, Reason)
    /// A partition's store doesn't say which log it is of, and is taken for this one's.
    case storeAdopted(partition: Int32, Reason)
    /// A restore begins or makes progress.
    case restoring(RestoreStatus)
    /// A restore has reached the changelog's end.
    case restored(RestoreSummary)
    /// A partition's state of an earlier version is brought under this version's rules.
    case upgrading(RestoreStatus)
    /// A partition's state is of this version.
    case upgraded(RestoreSummary)
    /// A state of an earlier version is kept under the rules of that version.
    case notUpgraded(TopicPartition, Reason)
    /// The instance keeps a copy of a partition that another one owns.
    case standbyOpened(changelog: TopicPartition)
    /// A standby copy can't be kept up for now.
    case standbyFailed(Reason)

    case batchCommitted(BatchSummary)
    /// A batch is discarded and read again from the last commit.
    case batchAborted(Reason)
    /// Where the stage stands in each partition it owns, when that changes without a batch.
    case positions([TopicPartition: PartitionPosition])
    /// Something outside blocks the stage, which keeps retrying.
    case waiting(Reason)
    /// The stage is no longer blocked.
    case resumed
    /// The group's committed offset differs from the state's, which wins.
    case offsetsDiffer(TopicPartition, committed: Int64, state: Int64)
    /// Somebody else has set the group's offset: what the stage makes of it.
    case foreignOffset(TopicPartition, Reason)
    /// Records that a position stands for are not in the log: the stage stops.
    case retentionGuard(TopicPartition, Reason)
    /// Events of this partition are judged by other settings, from this offset on.
    case policyChanged(TopicPartition, from: Int64, PolicySummary)
    /// More than half of a partition's newest events are invalid; `example` is one of them.
    case eventsRefused(TopicPartition, example: Int64, Reason)
    /// A partition's events are mostly valid again.
    case eventsAccepted(TopicPartition)

    /// The stage has ended: because of an error, or `nil` when it was stopped.
    case stopped(Reason?)
  }
}

/// The settings a stage judges its input by.
public struct PolicySummary: Hashable, Sendable {
  /// The edition of the rules.
  public var rules: Int
  /// The names of the coercions that are accepted.
  public var accept: [String]
  /// The IANA name of the zone in which a time without one is read.
  public var timeZone: String

  public init(rules: Int, accept: [String], timeZone: String) {
    self.rules = rules
    self.accept = accept
    self.timeZone = timeZone
  }
}

/// Where a stage stands in one of its input partitions.
public struct PartitionPosition: Hashable, Sendable {
  /// Offset of the next record to process.
  public var nextOffset: Int64
  /// The partition's end in the newest fetch's answer; transaction markers count as records.
  public var endOffset: Int64

  public init(nextOffset: Int64, endOffset: Int64) {
    self.nextOffset = nextOffset
    self.endOffset = endOffset
  }

  public var lag: Int64 { max(0, endOffset - nextOffset) }
}
