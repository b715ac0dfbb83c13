import EventLog
import Foundation
import Streams

extension EventMessage {
  /// Reads a line of the stream, with or without its newline.
  ///
  /// - Returns: `nil` for an event of an unknown kind, as a newer daemon may send.
  /// - Throws: `.malformed` for anything else that violates the format.
  init?(line: some Sequence<UInt8>) throws(EventStreamError) {
    let object = try JSONFields(line: Data(line))
    guard let time = Time.parse(try object.text("time")) else {
      throw .malformed("time is \(try object.text("time"))")
    }
    self.time = time
    let name = try object.text("event")
    if name == "snapshot" {
      var entries: [StatusBoard.Entry] = []
      for stage in try object.objects("stages") { entries.append(try stage.entry()) }
      content = .snapshot(StatusBoard(entries), isReady: try object.flag("ready"))
      return
    }
    if let name = DaemonEventName(rawValue: name) {
      content = .daemon(try object.daemonEvent(name))
      return
    }
    guard let name = EventName(rawValue: name) else { return nil }
    content = .event(
      EngineEvent(
        stage: try object.text("stage"), worker: try object.optionalInteger("worker"),
        role: object.has("role") ? try object.value("role") : .stage, try object.kind(name)))
  }
}

extension JSONFields {
  fileprivate func daemonEvent(_ name: DaemonEventName) throws(EventStreamError) -> DaemonEvent {
    switch name {
    case .starting:
      .starting(
        application: try text("application"), instance: try text("instance"),
        guarantee: try text("guarantee"))
    case .ready: .ready
    }
  }

  fileprivate func kind(_ name: EventName) throws(EventStreamError) -> EngineEvent.Kind {
    switch name {
    case .joining: .joining(group: try text("group"))
    case .assigned: .assigned(try partitions())
    case .partitionsUnused: .partitionsUnused(try partitions())
    case .processing: .processing(try partitions())
    case .revoked: .revoked(try partitions())
    case .lost: .lost(try partitions())
    case .fencingPredecessor: .fencingPredecessor(instance: try text("instance"))
    case .disownFailed: .disownFailed(try reason())
    case .fenced: .fenced(try reason())
    case .rejoining: .rejoining(try reason(), attempt: try integer("attempt"))
    case .storeOpened:
      .storeOpened(
        partition: try integer("partition"), inputOffset: try optionalInteger("input_offset"))
    case .storeRebuilt: .storeRebuilt(partition: try integer("partition"), try reason())
    case .storeRefused: .storeRefused(partition: try integer("partition"), try reason())
    case .storeAdopted: .storeAdopted(partition: try integer("partition"), try reason())
    case .restoring: .restoring(try restoreStatus())
    case .restored: .restored(try restoreSummary())
    case .upgrading: .upgrading(try restoreStatus())
    case .upgraded: .upgraded(try restoreSummary())
    case .notUpgraded: .notUpgraded(try partition(), try reason())
    case .standbyOpened: .standbyOpened(changelog: try partition())
    case .standbyFailed: .standbyFailed(try reason())
    case .batchCommitted: .batchCommitted(try batch())
    case .batchAborted: .batchAborted(try reason())
    case .positions: .positions(try positions())
    case .waiting: .waiting(try reason())
    case .resumed: .resumed
    case .offsetsDiffer:
      .offsetsDiffer(
        try partition(), committed: try integer("committed"), state: try integer("state"))
    case .foreignOffset: .foreignOffset(try partition(), try reason())
    case .retentionGuard: .retentionGuard(try partition(), try reason())
    case .policyChanged:
      .policyChanged(try partition(), from: try integer("offset"), try policy())
    case .eventsRefused:
      .eventsRefused(try partition(), example: try integer("offset"), try reason())
    case .eventsAccepted: .eventsAccepted(try partition())
    case .modelsChanged: .modelsChanged(try models())
    case .hitsCounted:
      .hitsCounted(partition: try integer("partition"), try hits())
    case .stopped: .stopped(has("reason") ? try reason() : nil)
    }
  }

  private func models() throws(EventStreamError) -> ModelChoice {
    var choice = ModelChoice(
      serving: try optionalText("serving"), candidate: try optionalText("candidate"),
      shadow: try optionalText("shadow"), reason: try text("reason"))
    choice.servingSince = try optionalInteger("serving_since_ms")
    choice.newestRating = try optionalInteger("newest_rating_ms")
    return choice
  }

  private func hits() throws(EventStreamError) -> HitCounts {
    HitCounts(
      shadow: try text("shadow"), against: try text("against"), judged: try integer("judged"),
      liveHits: try integer("live_hits"), liveLiked: try integer("live_liked_hits"),
      shadowHits: try integer("shadow_hits"), shadowLiked: try integer("shadow_liked_hits"))
  }

  private func policy() throws(EventStreamError) -> PolicySummary {
    PolicySummary(
      rules: try integer("rules"), accept: try texts("accept"), timeZone: try text("time_zone"))
  }

  private func restoreSummary() throws(EventStreamError) -> RestoreSummary {
    RestoreSummary(
      changelog: try text("changelog"), partitions: try integer("partitions"),
      records: try integer("records"), duration: try duration("duration_ms"))
  }

  private func restoreStatus() throws(EventStreamError) -> RestoreStatus {
    RestoreStatus(
      changelog: try text("changelog"), partitions: try integer("partitions"),
      applied: try integer("applied"), total: try integer("total"),
      elapsed: try duration("elapsed_ms"))
  }

  fileprivate func entry() throws(EventStreamError) -> StatusBoard.Entry {
    var status = StageStatus(stage: try text("stage"))
    let phase: PhaseName = try value("phase")
    status.phase =
      switch phase {
      case .starting: .starting
      case .joining: .joining
      case .restoring: .restoring(try object("restore").restoreStatus())
      case .running: .running
      case .waiting: .waiting(try reason())
      case .stopped: .stopped
      }
    status.records = try integer("records")
    status.batches = try integer("batches")
    status.abortedBatches = try integer("aborted_batches")
    status.redeliveries = try integer("redeliveries")
    status.judged = try judged()
    status.partitions = try positions()
    return StatusBoard.Entry(worker: try optionalInteger("worker"), status)
  }

  private func reason() throws(EventStreamError) -> Reason {
    let reason = try object("reason")
    return Reason(try reason.value("code"), try reason.text("text"))
  }

  private func partition() throws(EventStreamError) -> TopicPartition {
    TopicPartition(try text("topic"), try integer("partition"))
  }

  private func partitions() throws(EventStreamError) -> [TopicPartition] {
    var partitions: [TopicPartition] = []
    for each in try objects("partitions") { partitions.append(try each.partition()) }
    return partitions
  }

  func positions() throws(EventStreamError) -> [TopicPartition: PartitionPosition] {
    var positions: [TopicPartition: PartitionPosition] = [:]
    for each in try objects("positions") {
      positions[try each.partition()] = PartitionPosition(
        nextOffset: try each.integer("next_offset"), endOffset: try each.integer("end_offset"),
        newestTime: try each.optionalInteger("newest_time_ms"))
    }
    return positions
  }
}
