/// Why something happened: a code for programs, and a sentence for people.
public struct Reason: Hashable, Sendable, CustomStringConvertible {
  public var code: Code
  public var text: String

  public init(_ code: Code, _ text: String) {
    self.code = code
    self.text = text
  }

  public var description: String { text }

  /// A closed set: metrics and alerts name these, so a code never changes its meaning.
  public enum Code: String, Hashable, Sendable, CaseIterable {
    // The log.
    case brokerUnavailable = "broker_unavailable"
    /// A newer producer or group member took this one's place.
    case fenced
    case offsetOutOfRange = "offset_out_of_range"
    case unknownTopic = "unknown_topic"
    case recordTooLarge = "record_too_large"
    case accessDenied = "access_denied"
    case configurationRefused = "configuration_refused"
    case transactionAborted = "transaction_aborted"
    case logFailure = "log_failure"
    /// A transaction that stays open hides the records behind it.
    case openTransaction = "open_transaction"

    // The store.
    case storeDamaged = "store_damaged"
    case diskFull = "disk_full"
    case storeRefused = "store_refused"
    /// A record or value that another version of the program wrote.
    case unknownFormat = "unknown_format"

    // Positions that contradict the log.
    case offsetBelowLogStart = "offset_below_log_start"
    case offsetBeyondLogEnd = "offset_beyond_log_end"
    case changelogBelowLogStart = "changelog_below_log_start"
    case changelogBeyondLogEnd = "changelog_beyond_log_end"
    case stateLost = "state_lost"
    case topicRecreated = "topic_recreated"
    /// A store, or a copy of one, that describes another log than the one met.
    case storeOfAnotherLog = "store_of_another_log"
    /// A store of an earlier version, which does not say which log it is of.
    case storeAdopted = "store_adopted"
    /// A group's offset that somebody else has set ahead, so that events would be skipped.
    case foreignOffset = "foreign_offset"
    /// One that somebody else has set back: the events are read again.
    case replaying
    /// One that somebody else has set, and that has no effect.
    case resetIgnored = "reset_ignored"
    /// A topic has more partitions than its keys were placed among.
    case partitionsGrown = "partitions_grown"

    // What is in the input.
    /// Most of a partition's events are invalid.
    case eventsRefused = "events_refused"

    // The group.
    case partitionsLost = "partitions_lost"
    /// Another member committed while this one was opening the partition.
    case groupMovedOn = "group_moved_on"
    case unexpectedPartition = "unexpected_partition"
    /// Another process has the same instance name, and is newer.
    case instanceInUse = "instance_in_use"
    /// A member of the group that is none of this product's.
    case strangerInGroup = "stranger_in_group"

    // Whose the topics are.
    /// Another application has claimed them.
    case topicsOwned = "topics_owned"

    // Redis.
    case redisUnavailable = "redis_unavailable"
    case redisRefused = "redis_refused"
    /// Redis holds the project of another application, or of another log.
    case redisClaimed = "redis_claimed"
    /// Redis has lost what was written, or another member has gone on.
    case redisBehind = "redis_behind"

    /// The log took a batch without reporting its offsets.
    case deliveryUnknown = "delivery_unknown"
    case stopRequested = "stop_requested"
    /// A bug of this program.
    case internalError = "internal_error"
  }
}
