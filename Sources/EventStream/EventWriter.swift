import EventLog
import Codecs
import Streams

/// Writes messages as lines of JSON; see the article on the format.
///
/// Keeps its memory from one line to the next.
struct EventWriter: ~Copyable {
  var json = JSONWriter()

  /// The line of a message, with its newline.
  mutating func line(_ message: EventMessage) -> [UInt8] {
    json.removeAll()
    json.beginObject()
    field("time", Time.text(message.time))
    switch message.content {
    case .snapshot(let board, let isReady):
      field("event", "snapshot")
      json.key("ready")
      json.boolean(isReady)
      json.key("stages")
      json.beginArray()
      for entry in board.entries { write(entry) }
      json.endArray()
    case .event(let event): write(event)
    case .daemon(let event): write(event)
    }
    json.endObject()
    return json.copyBytes() + [UInt8(ascii: "\n")]
  }

  // MARK: Events

  private mutating func write(_ event: EngineEvent) {
    field("stage", event.stage)
    if let worker = event.worker { field("worker", worker) }
    if event.role != .stage { field("role", event.role.rawValue) }
    field("event", EventName(event.kind).rawValue)
    write(event.kind)
  }

  private mutating func write(_ event: DaemonEvent) {
    field("event", DaemonEventName(event).rawValue)
    switch event {
    case .starting(let application, let instance, let guarantee):
      field("application", application)
      field("instance", instance)
      field("guarantee", guarantee)
    case .ready: break
    }
  }

  private mutating func write(_ kind: EngineEvent.Kind) {
    switch kind {
    case .joining(let group): field("group", group)
    case .assigned(let partitions), .partitionsUnused(let partitions),
      .processing(let partitions), .revoked(let partitions), .lost(let partitions):
      write(partitions)
    case .fencingPredecessor(let instance): field("instance", instance)
    case .disownFailed(let reason), .fenced(let reason), .standbyFailed(let reason),
      .batchAborted(let reason), .waiting(let reason):
      write(reason)
    case .rejoining(let reason, let attempt):
      write(reason)
      field("attempt", attempt)
    case .storeOpened(let partition, let offset):
      field("partition", partition)
      if let offset { field("input_offset", offset) }
    case .storeRebuilt(let partition, let reason), .storeRefused(let partition, let reason),
      .storeAdopted(let partition, let reason):
      field("partition", partition)
      write(reason)
    case .restoring(let status), .upgrading(let status): write(status)
    case .restored(let summary), .upgraded(let summary):
      field("changelog", summary.changelog)
      field("partitions", summary.partitions)
      field("records", summary.records)
      field("duration_ms", summary.duration)
    case .standbyOpened(let changelog): write(changelog)
    case .batchCommitted(let batch): write(batch)
    case .positions(let positions): write(positions)
    case .offsetsDiffer(let partition, let committed, let state):
      write(partition)
      field("committed", committed)
      field("state", state)
    case .retentionGuard(let partition, let reason), .foreignOffset(let partition, let reason),
      .notUpgraded(let partition, let reason):
      write(partition)
      write(reason)
    case .policyChanged(let partition, let offset, let policy):
      write(partition)
      field("offset", offset)
      write(policy)
    case .eventsRefused(let partition, let example, let reason):
      write(partition)
      field("offset", example)
      write(reason)
    case .eventsAccepted(let partition): write(partition)
    case .modelsChanged(let models): write(models)
    case .hitsCounted(let partition, let counts):
      field("partition", partition)
      write(counts)
    case .stopped(let reason): if let reason { write(reason) }
    case .resumed: break
    }
  }

  private mutating func write(_ status: RestoreStatus) {
    field("changelog", status.changelog)
    field("partitions", status.partitions)
    field("applied", status.applied)
    field("total", status.total)
    field("elapsed_ms", status.elapsed)
    field("percent", status.percent)
    if let rate = status.rate {
      json.key("offsets_per_second")
      json.double(rate)
    }
    if let timeLeft = status.timeLeft { field("time_left_ms", timeLeft) }
  }

  // MARK: Status

  private mutating func write(_ entry: StatusBoard.Entry) {
    let status = entry.status
    json.beginObject()
    field("stage", status.stage)
    if let worker = entry.worker { field("worker", worker) }
    field("phase", PhaseName(status.phase).rawValue)
    switch status.phase {
    case .restoring(let restore):
      json.key("restore")
      json.beginObject()
      write(restore)
      json.endObject()
    case .waiting(let reason): write(reason)
    case .starting, .joining, .running, .stopped: break
    }
    field("records", status.records)
    field("batches", status.batches)
    field("aborted_batches", status.abortedBatches)
    field("redeliveries", status.redeliveries)
    if !status.judged.isEmpty { write(status.judged) }
    write(status.partitions)
    json.endObject()
  }

  // MARK: Parts

  mutating func write(_ counts: VerdictCounts) {
    field("valid", counts.valid)
    field("invalid", counts.invalid)
    field("oversized", counts.oversized)
    field("failed", counts.failed)
    field("coerced", counts.coerced)
  }

  private mutating func write(_ policy: PolicySummary) {
    field("rules", policy.rules)
    json.key("accept")
    json.beginArray()
    for name in policy.accept { json.string(name) }
    json.endArray()
    field("time_zone", policy.timeZone)
  }

  private mutating func write(_ models: ModelChoice) {
    if let serving = models.serving { field("serving", serving) }
    if let candidate = models.candidate { field("candidate", candidate) }
    if let shadow = models.shadow { field("shadow", shadow) }
    field("reason", models.reason)
    if let since = models.servingSince { field("serving_since_ms", since) }
    if let newest = models.newestRating { field("newest_rating_ms", newest) }
  }

  private mutating func write(_ counts: HitCounts) {
    field("shadow", counts.shadow)
    field("against", counts.against)
    field("judged", counts.judged)
    field("live_hits", counts.liveHits)
    field("live_liked_hits", counts.liveLiked)
    field("shadow_hits", counts.shadowHits)
    field("shadow_liked_hits", counts.shadowLiked)
  }

  private mutating func write(_ reason: Reason) {
    json.key("reason")
    json.beginObject()
    field("code", reason.code.rawValue)
    field("text", reason.text)
    json.endObject()
  }

  private mutating func write(_ partitions: [TopicPartition]) {
    json.key("partitions")
    json.beginArray()
    for partition in partitions {
      json.beginObject()
      write(partition)
      json.endObject()
    }
    json.endArray()
  }

  private mutating func write(_ partition: TopicPartition) {
    field("topic", partition.topic)
    field("partition", partition.partition)
  }

  mutating func write(_ positions: [TopicPartition: PartitionPosition]) {
    json.key("positions")
    json.beginArray()
    let sorted = positions.sorted {
      ($0.key.topic, $0.key.partition) < ($1.key.topic, $1.key.partition)
    }
    for (partition, position) in sorted {
      json.beginObject()
      write(partition)
      field("next_offset", position.nextOffset)
      field("end_offset", position.endOffset)
      if let time = position.newestTime { field("newest_time_ms", time) }
      json.endObject()
    }
    json.endArray()
  }

  mutating func field(_ name: StaticString, _ text: String) {
    json.key(name)
    json.string(text)
  }

  mutating func field(_ name: StaticString, _ number: some FixedWidthInteger) {
    json.key(name)
    json.integer(number)
  }

  /// An object of numbers, by their names.
  mutating func field(_ name: StaticString, _ counts: [String: Int64]) {
    json.key(name)
    json.beginObject()
    for (name, count) in counts.sorted(by: { $0.key < $1.key }) {
      json.key(text: name)
      json.integer(count)
    }
    json.endObject()
  }

  /// Milliseconds, to the microsecond.
  mutating func field(_ name: StaticString, _ duration: Duration) {
    json.key(name)
    json.double((duration / .microseconds(1)).rounded() / 1000)
  }
}
