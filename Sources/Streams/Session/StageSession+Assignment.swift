import EventLog
import StateStore

// Answers to changes of the assignment.

extension StageSession where Operator: ~Copyable {
  func answer(_ rebalance: Rebalance) throws(StageError) {
    switch rebalance {
    case .assigned(let given):
      try commitBatch()
      let unused = given.filter(configuration.isUnused)
      let partitions = given.filter { !unused.contains($0) }
      environment.emit(.assigned(partitions))
      if !unused.isEmpty { environment.emit(.partitionsUnused(unused)) }
      try fencePredecessors(on: partitions)
      try begin(partitions, besides: unused)
      if !isUpgrading { environment.emit(.processing(assignment.running)) }
    case .revoked(let partitions):
      environment.emit(.revoked(partitions))
      try commitBatch()
      try settlePositions(all: true)
      try disown(ownOffsets(of: partitions))
      try release(partitions)
    case .lost(let partitions):
      environment.emit(.lost(partitions))
      batch.discard()
      try release(partitions)
      // What the open transaction holds was read under a membership that has ended.
      throw .failed(
        Reason(.partitionsLost, "the group has given \(partitions.count) partitions away"),
        .abandonPartition)
    }
    // The group has rebalanced: whoever asked to join it again has seen it before that.
    _ = environment.rejoin?.take()
    showPositions()
  }

  /// Follows a change of another stage's assignment.
  func follow(_ feed: any PartitionFeed) throws(StageError) {
    let version = feed.version
    guard version != followedVersion else { return }
    let wanted = feed.partitions.map { TopicPartition(configuration.inputs[0], $0) }
    let present = assignment.running
    let gone = present.filter { !wanted.contains($0) }
    let new = wanted.filter { !present.contains($0) }
    if !gone.isEmpty { try answer(.revoked(gone)) }
    if !new.isEmpty { try answer(.assigned(new)) }
    // Not before: after an aborted batch, the next poll does the rest.
    followedVersion = version
  }

  /// Opens partitions and starts to read them.
  ///
  /// - Parameter unused: partitions that are only held for the group, which counts them.
  private func begin(_ partitions: [TopicPartition], besides unused: [TopicPartition])
    throws(StageError)
  {
    do throws(StageError) {
      if let twice = partitions.first(where: assignment.holds) {
        throw .failed(
          Reason(.unexpectedPartition, "assigned \(twice) twice"), .abandonPartition)
      }
      assignment.open(partitions)
      let opened = try openTasks(partitions)
      for (task, _) in opened {
        owned.append(Owned(task, try stageOperator.makeState(task)))
        assignment.run(task.source, topic: task.topic)
      }
      stageOperator.partitionsChanged(tasks)
      try claim(partitions)
      try StageError.log { () throws(LogError) in
        let ends = try unused.map { (partition) throws(LogError) in
          (partition, StartOffset.at(try consumer.offsets(of: partition).upperBound))
        }
        try consumer.assign(opened.map { ($0.task.source, .at($0.task.nextOffset)) } + ends)
      }
      try takeBack(opened)
      try identifyChangelogs(opened.map(\.task))
      try recordBeginnings(opened.map(\.task))
      planUpgrades(partitions)
    } catch {
      // Opening can't be resumed halfway.
      guard error.reaction == .abortBatch else { throw error }
      throw .failed(error.reason, .abandonPartition)
    }
  }

  private func release(_ partitions: [TopicPartition]) throws(StageError) {
    let gone = tasks.filter { partitions.contains($0.source) }
    assignment.release(partitions)
    owned.removeAll { partitions.contains($0.task.source) }
    ledger.forget(partitions)
    idleEnds.forget(partitions)
    stageOperator.partitionsChanged(tasks)
    for task in gone {
      try StageError.store { () throws(StoreError) in try task.store?.close() }
      environment.standby?.giveBack(task.partition, by: configuration.instanceID)
    }
    try StageError.log { () throws(LogError) in try consumer.unassign(partitions) }
    assignment.remove(gone.map(\.source))
  }
}
