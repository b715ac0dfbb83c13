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
    /// Other models than before answer, or are about to.
    case modelsChanged(ModelChoice)
    /// What a shadow has hit in a partition of the users so far.
    case hitsCounted(partition: Int32, HitCounts)

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

/// Which models answer; `nil` for none.
public struct ModelChoice: Hashable, Sendable {
  /// Its answers are shown.
  public var serving: String?
  /// It waits for its promotion.
  public var candidate: String?
  /// It answers next to the one that serves, and nobody sees it.
  public var shadow: String?
  /// Why the one that serves does; empty where that is not known.
  public var reason: String
  /// When that was decided, in milliseconds since 1970.
  public var servingSince: Int64?
  /// Event time of the newest rating that the serving one was trained on, in milliseconds since
  /// 1970.
  public var newestRating: Int64?

  public init(serving: String?, candidate: String?, shadow: String?, reason: String = "") {
    self.serving = serving
    self.candidate = candidate
    self.shadow = shadow
    self.reason = reason
  }
}

/// How often the event that followed an answer was in the answer, and in the shadow's.
public struct HitCounts: Hashable, Sendable {
  public var shadow: String
  /// The model whose answers were shown.
  public var against: String
  /// Answers that an event has followed.
  public var judged: Int64
  public var liveHits: Int64
  /// Those that the user liked.
  public var liveLiked: Int64
  public var shadowHits: Int64
  public var shadowLiked: Int64

  public init(
    shadow: String, against: String, judged: Int64, liveHits: Int64, liveLiked: Int64,
    shadowHits: Int64, shadowLiked: Int64
  ) {
    self.shadow = shadow
    self.against = against
    self.judged = judged
    self.liveHits = liveHits
    self.liveLiked = liveLiked
    self.shadowHits = shadowHits
    self.shadowLiked = shadowLiked
  }
}

/// Where a stage stands in one of its input partitions.
public struct PartitionPosition: Hashable, Sendable {
  /// Offset of the next record to process.
  public var nextOffset: Int64
  /// The partition's end in the newest fetch's answer; transaction markers count as records.
  public var endOffset: Int64
  /// When the newest record processed happened, in milliseconds since 1970; `nil` before the first
  /// one, and for records without a time.
  public var newestTime: Int64?

  public init(nextOffset: Int64, endOffset: Int64, newestTime: Int64? = nil) {
    self.nextOffset = nextOffset
    self.endOffset = endOffset
    self.newestTime = newestTime
  }

  public var lag: Int64 { max(0, endOffset - nextOffset) }
}
