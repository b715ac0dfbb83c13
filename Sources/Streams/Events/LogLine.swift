import EventLog
import Logging

/// One event as it appears in the log.
struct LogLine: Hashable {
  var level: Logger.Level
  var message: String
  var fields: [String: String] = [:]

  /// - Returns: `nil` for events that another line covers.
  init?(_ kind: EngineEvent.Kind) {
    guard let (level, message) = Self.heading(of: kind) else { return nil }
    self.level = level
    self.message = message
    fields = Self.fields(of: kind)
  }

  /// The level alone, which costs less than the line.
  static func level(of kind: EngineEvent.Kind) -> Logger.Level? { heading(of: kind)?.level }

  private static func heading(of kind: EngineEvent.Kind)
    -> (level: Logger.Level, message: String)?
  {
    switch kind {
    case .joining: (.info, "joining the group")
    case .assigned: (.info, "assigned")
    case .partitionsUnused:
      (.warning, "partitions were added to the input and are not used")
    case .processing: (.info, "processing")
    case .revoked: (.info, "revoked")
    case .fencingPredecessor: (.notice, "aborting a dead instance's transactions")
    case .disownFailed: (.info, "partitions not disowned")
    case .rejoining: (.warning, "leaving the group to join it again")
    case .storeOpened: (.debug, "store opened")
    case .storeRebuilt: (.warning, "rebuilding state from the changelog")
    case .storeAdopted:
      (.notice, "the store does not say which log it is of; taking it for this one's")
    case .restoring: (.info, "restoring state")
    case .restored: (.info, "state restored")
    case .upgrading: (.notice, "folding a state of an earlier version again")
    case .upgraded: (.notice, "the state is of this version")
    case .notUpgraded: (.warning, "a state of an earlier version is kept as it is")
    case .standbyOpened: (.info, "keeping a standby copy")
    case .standbyFailed: (.warning, "standby copies can't be kept up")
    case .batchCommitted: (.debug, "batch committed")
    case .batchAborted: (.warning, "batch aborted, reading it again")
    case .waiting: (.warning, "waiting")
    case .resumed: (.notice, "resumed")
    case .offsetsDiffer:
      (.warning, "the group's committed offset differs from the state's; using the state's")
    case .foreignOffset: (.warning, "the group's offset is not one that this stage has set")
    case .policyChanged: (.notice, "events are judged by these settings from here on")
    case .eventsRefused: (.warning, "most events are invalid")
    case .eventsAccepted: (.notice, "most events are valid again")
    case .modelsChanged: (.info, "models")
    case .hitsCounted: (.debug, "hits of the shadow")
    // These come with an error that ends the membership or the daemon, and that is logged.
    case .lost, .fenced, .storeRefused, .retentionGuard, .stopped: nil
    case .positions: nil
    }
  }

  private static func fields(of kind: EngineEvent.Kind) -> [String: String] {
    switch kind {
    case .joining(let group): ["group": group]
    case .assigned(let partitions), .processing(let partitions), .revoked(let partitions),
      .lost(let partitions):
      ["partitions": "\(partitions.count)"]
    case .partitionsUnused(let partitions):
      ["partitions": partitions.map(\.description).joined(separator: ",")]
    case .fencingPredecessor(let instance): ["instance": instance]
    case .disownFailed(let reason), .fenced(let reason), .rejoining(let reason, _),
      .standbyFailed(let reason), .batchAborted(let reason), .waiting(let reason):
      fields(of: reason)
    case .storeOpened(let partition, let offset):
      ["partition": "\(partition)", "input_offset": offset.map { "\($0)" } ?? "none"]
    case .storeRebuilt(let partition, let reason), .storeRefused(let partition, let reason),
      .storeAdopted(let partition, let reason):
      fields(of: reason).merging(["partition": "\(partition)"]) { $1 }
    case .restoring(let status), .upgrading(let status): fields(of: status)
    case .restored(let summary), .upgraded(let summary):
      [
        "changelog": summary.changelog, "partitions": "\(summary.partitions)",
        "records": "\(summary.records)", "milliseconds": milliseconds(summary.duration),
      ]
    case .standbyOpened(let changelog): ["changelog": "\(changelog)"]
    case .batchCommitted(let batch):
      [
        "records": "\(batch.records)", "bytes": "\(batch.bytes)",
        "open_milliseconds": milliseconds(batch.open),
        "commit_milliseconds": milliseconds(batch.commit),
      ]
    case .offsetsDiffer(let partition, let committed, let state):
      ["partition": "\(partition)", "committed": "\(committed)", "state": "\(state)"]
    case .retentionGuard(let partition, let reason), .foreignOffset(let partition, let reason),
      .notUpgraded(let partition, let reason):
      fields(of: reason).merging(["partition": "\(partition)"]) { $1 }
    case .policyChanged(let partition, let offset, let policy):
      [
        "partition": "\(partition)", "offset": "\(offset)", "rules": "\(policy.rules)",
        "accept": policy.accept.joined(separator: ","), "time_zone": policy.timeZone,
      ]
    case .eventsRefused(let partition, let example, let reason):
      fields(of: reason).merging(["partition": "\(partition)", "offset": "\(example)"]) { $1 }
    case .eventsAccepted(let partition): ["partition": "\(partition)"]
    case .modelsChanged(let models): fields(of: models)
    case .hitsCounted(let partition, let counts):
      fields(of: counts).merging(["partition": "\(partition)"]) { $1 }
    case .stopped(let reason): reason.map(fields) ?? [:]
    case .positions, .resumed: [:]
    }
  }

  private static func fields(of reason: Reason) -> [String: String] {
    ["reason": reason.text, "code": reason.code.rawValue]
  }

  private static func fields(of status: RestoreStatus) -> [String: String] {
    var fields = ["changelog": status.changelog, "partitions": "\(status.partitions)"]
    guard let rate = status.rate else {
      fields["offsets"] = "\(status.total)"
      return fields
    }
    fields["percent"] = "\(status.percent)"
    fields["records_per_second"] = "\(Int64(rate))"
    if let timeLeft = status.timeLeft { fields["seconds_left"] = "\(Int64(timeLeft.seconds))" }
    return fields
  }

  private static func fields(of models: ModelChoice) -> [String: String] {
    [
      "serving": models.serving ?? "none", "candidate": models.candidate ?? "none",
      "shadow": models.shadow ?? "none", "reason": models.reason,
    ]
  }

  private static func fields(of counts: HitCounts) -> [String: String] {
    [
      "shadow": counts.shadow, "against": counts.against, "judged": "\(counts.judged)",
      "live_hits": "\(counts.liveHits)", "live_liked_hits": "\(counts.liveLiked)",
      "shadow_hits": "\(counts.shadowHits)", "shadow_liked_hits": "\(counts.shadowLiked)",
    ]
  }

  private static func milliseconds(_ duration: Duration) -> String {
    "\(Int64(duration.seconds * 1000))"
  }
}
