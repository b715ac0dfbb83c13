import CRdkafka
public import EventLog
import Logging

// librdkafka tells of a rebalance through a callback and then holds the group's protocol
// (join states WAIT_ASSIGN_CALL and WAIT_UNASSIGN_CALL in rdkafka_cgrp.c) until one of the assign
// calls comes, whether from inside the callback or later. So the callback takes a note, `poll`
// returns it, and the caller's `assign` or `unassign` is the answer.

extension KafkaConsumer {
  public func assign(_ starts: [(partition: TopicPartition, offset: StartOffset)])
    throws(LogError)
  {
    var answers = false
    if case .assigned = mailbox.pending { answers = true }
    let fresh = starts.filter { !assigned.contains($0.partition) }
    guard answers || !fresh.isEmpty else { return }
    let kept = assigned
    let list = PartitionList(capacity: fresh.count + kept.count)
    for (partition, offset) in fresh {
      list.add(partition, offset: offset.native)
    }
    if isEager {
      // The eager protocol knows whole assignments only.
      for partition in kept { list.add(partition, offset: position(of: partition)) }
      try check(rd_kafka_assign(client.handle, list.list), "assigning partitions")
    } else {
      try check(rd_kafka_incremental_assign(client.handle, list.list))
    }
    for (partition, offset) in fresh {
      assigned.insert(partition)
      setPosition(of: partition, to: offset.native)
    }
    if answers {
      mailbox.pending = nil
      if !isEager { try restorePositions(of: kept) }
    }
  }

  public func unassign(_ partitions: [TopicPartition]) throws(LogError) {
    for partition in partitions { setPosition(of: partition, to: Self.unassigned) }
    guard let revoked = mailbox.pendingRevocation else {
      let present = assigned.intersection(partitions)
      guard !present.isEmpty else { return }
      assigned.subtract(present)
      try giveBack(present)
      return
    }
    // One call answers the whole revocation, so it waits until the caller is done with all of it.
    released.formUnion(partitions)
    guard released.isSuperset(of: revoked) else { return }
    let present = assigned.intersection(released)
    assigned.subtract(present)
    released = []
    mailbox.pending = nil
    try giveBack(present)
    if !isEager { try restorePositions(of: assigned) }
  }

  public func rewind(_ offsets: [TopicPartition: Int64]) throws(LogError) {
    for (partition, offset) in offsets where assigned.contains(partition) {
      setPosition(of: partition, to: offset)
    }
    // A pending rebalance has paused everything; its answer sets all positions.
    guard mailbox.pending == nil || isEager else { return }
    try restorePositions(of: assigned.intersection(offsets.keys))
  }

  private var isEager: Bool {
    String(cString: rd_kafka_rebalance_protocol(client.handle)) == "EAGER"
  }

  private func giveBack(_ partitions: Set<TopicPartition>) throws(LogError) {
    if !isEager {
      let list = PartitionList(partitions)
      try check(rd_kafka_incremental_unassign(client.handle, list.list))
    } else if assigned.isEmpty {
      try check(rd_kafka_assign(client.handle, nil), "unassigning partitions")
    } else {
      let list = PartitionList(capacity: assigned.count)
      for partition in assigned { list.add(partition, offset: position(of: partition)) }
      try check(rd_kafka_assign(client.handle, list.list), "unassigning partitions")
    }
  }

  /// Makes librdkafka fetch from this consumer's positions. What it has queued is thrown away.
  private func restorePositions(of partitions: Set<TopicPartition>) throws(LogError) {
    var waiting = partitions
    let deadline = ContinuousClock.now + requestTimeout
    while !waiting.isEmpty {
      let list = PartitionList(capacity: waiting.count)
      for partition in waiting { list.add(partition, offset: position(of: partition)) }
      // librdkafka 2.0 takes this timeout for microseconds; too short a one is asked again.
      if let failure = ClientError(
        rd_kafka_seek_partitions(client.handle, list.list, requestTimeout.milliseconds)),
        failure.code != RD_KAFKA_RESP_ERR__TIMED_OUT
      {
        throw failure.logError
      }
      var stopped: Set<TopicPartition> = []
      try list.forEach { (partition, _, code) throws(LogError) in
        switch code {
        case RD_KAFKA_RESP_ERR_NO_ERROR: waiting.remove(partition)
        case RD_KAFKA_RESP_ERR__STATE: stopped.insert(partition)
        case RD_KAFKA_RESP_ERR__PREV_IN_PROGRESS, RD_KAFKA_RESP_ERR__IN_PROGRESS,
          // Overtaken by the pause with which librdkafka begins a rebalance.
          RD_KAFKA_RESP_ERR__OUTDATED:
          break
        default: throw LogError(code, "rewinding \(partition)")
        }
      }
      // Not fetching, because its offset was out of range, say: start it anew.
      if !stopped.isEmpty, !isEager, mailbox.pending == nil {
        try restart(stopped)
        waiting.subtract(stopped)
      }
      guard waiting.isEmpty || ContinuousClock.now < deadline else {
        throw LogError(RD_KAFKA_RESP_ERR__TIMED_OUT, "rewinding \(waiting.count) partitions")
      }
    }
  }

  private func restart(_ partitions: Set<TopicPartition>) throws(LogError) {
    let removed = PartitionList(partitions)
    try check(rd_kafka_incremental_unassign(client.handle, removed.list))
    let added = PartitionList(capacity: partitions.count)
    for partition in partitions { added.add(partition, offset: position(of: partition)) }
    try check(rd_kafka_incremental_assign(client.handle, added.list))
  }

  func position(of partition: TopicPartition) -> Int64 {
    guard let topic = topics.firstIndex(of: partition.topic),
      Int(partition.partition) < positions[topic].count
    else { return Int64(RD_KAFKA_OFFSET_INVALID) }
    return positions[topic][Int(partition.partition)]
  }

  private func setPosition(of partition: TopicPartition, to offset: Int64) {
    guard let topic = topics.firstIndex(of: partition.topic) else { return }
    let index = Int(partition.partition)
    let missing = index + 1 - positions[topic].count
    if missing > 0 {
      positions[topic].append(contentsOf: repeatElement(Self.unassigned, count: missing))
    }
    positions[topic][index] = offset
  }
}

/// Where the rebalance callback leaves its note.
final class RebalanceMailbox: ClientContext {
  var pending: Rebalance?
  /// Whether the group has ever given out an assignment, be it an empty one. Between joining and that
  /// librdkafka 2.0 has an assignor without a state, and ends the process when it shall destroy it
  /// (`rd_kafka_sticky_assignor_state_destroy`).
  private(set) var hasBeenAssigned = false
  /// The consumer's queue, woken so that `poll` returns with the news.
  var queue: OpaquePointer?

  /// The partitions of a pending `revoked` or `lost`.
  var pendingRevocation: [TopicPartition]? {
    switch pending {
    case .revoked(let partitions), .lost(let partitions): partitions
    case .assigned, nil: nil
    }
  }

  override func rebalance(
    _ client: OpaquePointer, _ code: rd_kafka_resp_err_t,
    _ list: UnsafeMutablePointer<rd_kafka_topic_partition_list_t>?
  ) {
    guard let list else { return }
    let partitions = partitions(of: list)
    if code == RD_KAFKA_RESP_ERR__ASSIGN_PARTITIONS {
      pending = .assigned(partitions)
      hasBeenAssigned = true
    } else if rd_kafka_assignment_lost(client) != 0 {
      pending = .lost(partitions)
    } else {
      pending = .revoked(partitions)
    }
    logger.info("rebalance", metadata: ["change": "\(partitions.map(\.description))"])
    if let queue { rd_kafka_queue_yield(queue) }
  }
}
