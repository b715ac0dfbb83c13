import CRdkafka
public import EventLog

// librdkafka reports a rebalance through a callback and then holds the group's protocol (join
// states WAIT_ASSIGN_CALL and WAIT_UNASSIGN_CALL in rdkafka_cgrp.c) until one of the assign calls
// comes, from inside the callback or later. So the callback leaves a note, `poll` returns it, and
// the caller's `assign` or `unassign` is the answer.

extension KafkaConsumer {
  public func assign(_ starts: [(partition: TopicPartition, offset: StartOffset)])
    throws(LogError)
  {
    try carryOut(assignment.assign(starts, by: groupProtocol))
  }

  public func unassign(_ partitions: [TopicPartition]) throws(LogError) {
    try carryOut(assignment.release(partitions, by: groupProtocol))
  }

  public func rewind(_ offsets: [TopicPartition: Int64]) throws(LogError) {
    try seek(assignment.rewind(to: offsets, by: groupProtocol))
  }

  private var groupProtocol: Assignment.GroupProtocol {
    unsafe String(cString: rd_kafka_rebalance_protocol(client.handle)) == "EAGER"
      ? .eager : .cooperative
  }

  private func carryOut(_ step: Assignment.Step?) throws(LogError) {
    guard let step else { return }
    switch step.call {
    case .assign(let all) where all.isEmpty:
      try unsafe check(rd_kafka_assign(client.handle, nil), "unassigning partitions")
    case .assign(let all):
      let list = PartitionList(all)
      try unsafe check(rd_kafka_assign(client.handle, list.list), "assigning partitions")
    case .incrementalAssign(let added):
      let list = PartitionList(added)
      try unsafe check(rd_kafka_incremental_assign(client.handle, list.list))
    case .incrementalUnassign(let removed):
      let list = PartitionList(removed)
      try unsafe check(rd_kafka_incremental_unassign(client.handle, list.list))
    }
    assignment.finish(step)
    try seek(step.seeks)
  }

  /// Makes librdkafka fetch from this consumer's positions. What it has queued is thrown away.
  private func seek(_ partitions: Set<TopicPartition>) throws(LogError) {
    var waiting = assignment.positions(of: partitions)
    let deadline = ContinuousClock.now + requestTimeout
    while !waiting.isEmpty {
      let list = PartitionList(waiting)
      if let failure = unsafe ClientError(
        rd_kafka_seek_partitions(client.handle, list.list, requestTimeout.milliseconds)),
        !Mend.isPremature(seek: failure.code)
      {
        throw failure.logError
      }
      var stopped: Set<TopicPartition> = []
      try list.forEach { (partition, _, code) throws(LogError) in
        switch code {
        case RD_KAFKA_RESP_ERR_NO_ERROR: waiting[partition] = nil
        case RD_KAFKA_RESP_ERR__STATE: stopped.insert(partition)
        case RD_KAFKA_RESP_ERR__PREV_IN_PROGRESS, RD_KAFKA_RESP_ERR__IN_PROGRESS,
          // Overtaken by the pause with which librdkafka begins a rebalance.
          RD_KAFKA_RESP_ERR__OUTDATED:
          break
        default: throw LogError(code, "rewinding \(partition)")
        }
      }
      // A partition that isn't fetched, because its offset was out of range, say, can't be sought
      // in.
      if !stopped.isEmpty, groupProtocol == .cooperative, assignment.pending == nil {
        try restart(stopped)
        for partition in stopped { waiting[partition] = nil }
      }
      guard waiting.isEmpty || ContinuousClock.now < deadline else {
        throw LogError(RD_KAFKA_RESP_ERR__TIMED_OUT, "rewinding \(waiting.count) partitions")
      }
    }
  }

  private func restart(_ partitions: Set<TopicPartition>) throws(LogError) {
    let ends = PartitionList(partitions)
    try unsafe check(rd_kafka_incremental_unassign(client.handle, ends.list))
    let starts = PartitionList(assignment.positions(of: partitions))
    try unsafe check(rd_kafka_incremental_assign(client.handle, starts.list))
  }
}
