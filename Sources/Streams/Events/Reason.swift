/// Why something happened: a code for programs, and a sentence for people.
public struct Reason: Hashable, Sendable, CustomStringConvertible {
  public var code: Code
  public var text: String

  public init(_ code: Code, _ text: String) {
    self.code = code
    self.text = text
  }

  public var description: String { text }

  /// What to do when what stages have written can't be gone on with. A topic that others write to
  /// as well has more than can be computed again.
  public static let startingOver =
    "stop every instance, recreate the topics that only stages write (`projectionist topics list`"
    + " tells), empty the state directory, and reset the first stage's group to the earliest"
    + " offsets, as the README says under Replaying"

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
    /// A store stands for records of its input that the log has lost; its changelog does not.
    case inputLost = "input_lost"
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
    /// One that nobody can tell from a stage's own: the stage goes on there.
    case positionUnknown = "position_unknown"
    /// A topic has more partitions than its keys were placed among.
    case partitionsGrown = "partitions_grown"
    /// A topic has partitions that no member of the group reads, or this instance has dropped out
    /// of it.
    case partitionsUnread = "partitions_unread"

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

    // Redis. A stage waits with these; nothing else does.
    /// It can't be reached, does not answer, or closes the connection.
    case redisUnavailable = "redis_unavailable"
    case redisLoading = "redis_loading"
    case redisBusy = "redis_busy"
    case redisTooManyClients = "redis_too_many_clients"
    case redisPasswordMissing = "redis_password_missing"
    case redisPasswordWrong = "redis_password_wrong"
    /// A password or a user is configured, and the server has none.
    case redisCredentialsUnexpected = "redis_credentials_unexpected"
    /// The user lacks a right (ACL).
    case redisDenied = "redis_denied"
    case redisProtected = "redis_protected"
    case redisOutOfMemory = "redis_out_of_memory"
    case redisReadOnly = "redis_read_only"
    case redisCannotSave = "redis_cannot_save"
    case redisTooFewReplicas = "redis_too_few_replicas"
    case redisMasterDown = "redis_master_down"
    case redisCluster = "redis_cluster"
    case redisTLS = "redis_tls"
    case redisNotRedis = "redis_not_redis"
    case redisCommandMissing = "redis_command_missing"
    /// It can't run the script that writes features.
    case redisUnfit = "redis_unfit"
    case redisScriptLost = "redis_script_lost"
    case redisNoDatabase = "redis_no_database"
    /// A key of the project holds something other than a hash.
    case redisWrongType = "redis_wrong_type"
    /// An error that has no code of its own.
    case redisRefused = "redis_refused"
    /// Redis holds the project of another application, or of another log.
    case redisClaimed = "redis_claimed"
    /// Its record of the project is of another version.
    case redisRecordUnknown = "redis_record_unknown"
    /// Redis has lost what was written, or another member has gone on.
    case redisBehind = "redis_behind"

    /// The log took a batch without reporting its offsets.
    case deliveryUnknown = "delivery_unknown"
    case stopRequested = "stop_requested"
    /// A bug of this program.
    case internalError = "internal_error"

    /// Whether it is about the system that features are projected to, which no other stage needs.
    public var concernsProjection: Bool { rawValue.hasPrefix("redis_") }
  }
}
