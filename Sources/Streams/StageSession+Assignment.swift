import EventLog
import StateStore

// Which partitions are the session's, from the answer to a rebalance on.

extension StageSession where Operator: ~Copyable {
  func answer(_ rebalance: Rebalance) throws(StageError) {
    switch rebalance {
    case .assigned(let partitions):
      try commitBatch()
      environment.emit(.assigned(partitions))
      try fencePredecessors(on: partitions)
      opening = partitions
      let opened = try openTasks(partitions)
      for (task, _) in opened { insert(Owned(task, try stageOperator.makeWorking(task))) }
      opening = []
      stageOperator.partitionsChanged(tasks)
      try claim(partitions)
      try StageError.log { () throws(LogError) in
        try consumer.assign(opened.map { ($0.task.source, .at($0.task.nextOffset)) })
      }
      try takeBack(opened)
      environment.emit(.processing(tasks.map(\.source)))
    case .revoked(let partitions):
      environment.emit(.revoked(partitions))
      try commitBatch()
      try settlePositions(all: true)
      try disown(committedOffsets(of: partitions))
      try release(partitions)
    case .lost(let partitions):
      environment.emit(.lost(partitions))
      endBatch()
      untoldOffsets.removeAll()
      try release(partitions)
      // What the open transaction holds was read under a membership that has ended.
      throw .failed(
        Reason(.partitionsLost, "the group has given \(partitions.count) partitions away"),
        .abandonPartition)
    }
    tellPositions()
  }

  /// Takes the change of another stage's assignment as its own.
  func follow(_ feed: any PartitionFeed) throws(StageError) {
    let version = feed.version
    guard version != followedVersion else { return }
    let wanted = feed.partitions.map { TopicPartition(configuration.inputs[0], $0) }
    let present = owned.map(\.task.source)
    let gone = present.filter { !wanted.contains($0) }
    let new = wanted.filter { !present.contains($0) }
    if !gone.isEmpty { try answer(.revoked(gone)) }
    if !new.isEmpty { try answer(.assigned(new)) }
    // Only now: a batch that had to be aborted has the rest done the next time.
    followedVersion = version
  }

  private func insert(_ partition: Owned) {
    let (topic, number) = (partition.task.topic, Int(partition.task.partition))
    while ownedNumbers[topic].count <= number { ownedNumbers[topic].append(-1) }
    ownedNumbers[topic][number] = owned.count
    owned.append(partition)
  }

  func release(_ partitions: [TopicPartition]) throws(StageError) {
    let gone = tasks.filter { partitions.contains($0.source) }
    let kept = owned.filter { !partitions.contains($0.task.source) }
    owned = []
    ownedNumbers = Array(repeating: [], count: configuration.inputs.count)
    for partition in kept { insert(partition) }
    stageOperator.partitionsChanged(tasks)
    for task in gone {
      try StageError.store { () throws(StoreError) in try task.store?.close() }
      environment.standby?.giveBack(task.partition, by: configuration.instanceID)
    }
    try StageError.log { () throws(LogError) in try consumer.unassign(partitions) }
  }

  /// Tasks of partitions, each with the changes that no position vouches for.
  func openTasks(_ sources: [TopicPartition])
    throws(StageError) -> [(task: Task, tail: WriteSet)]
  {
    // Asked before anything else: the group may go on without this member meanwhile, and what it has
    // committed by now is in any state that is restored, and any range that is asked for, later.
    let committed = try StageError.log { () throws(LogError) in try consumer.committed(sources) }
    var restored: [RestoredStore<Storage.Store>] = []
    if let changelog = configuration.changelog {
      restored = try Restorer(environment: environment, changelog: changelog)
        .open(sources.map(\.partition))
    }
    var opened: [(task: Task, tail: WriteSet)] = []
    for (number, source) in sources.enumerated() {
      let state = configuration.changelog == nil ? nil : restored[number]
      if let state {
        environment.emit(
          .storeOpened(partition: source.partition, inputOffset: state.inputOffset))
      }
      opened.append(
        (try makeTask(source, state, committed: committed[source]), state?.tail ?? WriteSet()))
    }
    return opened
  }

  func makeTask(
    _ source: TopicPartition, _ state: RestoredStore<Storage.Store>?, committed: Int64?
  ) throws(StageError) -> Task {
    guard let topic = configuration.inputs.firstIndex(of: source.topic) else {
      throw .failed(
        Reason(.unexpectedPartition, "assigned \(source), which this stage does not read"),
        .stopDaemon)
    }
    let start = try environment.startOffset(
      of: source, restored: state?.inputOffset, committed: committed, for: consumer)
    return try Task(
      topic: topic, source: source, store: state?.store, producer: producer,
      changelogTopic: state == nil ? nil : configuration.outputs.count, startOffset: start)
  }

  /// Writes the values of the state over changes that no position vouches for: the next position
  /// would vouch for them too, and its batch need not change the same keys. It is a batch of its
  /// own, whose position then vouches for nothing wrong.
  func takeBack(_ opened: [(task: Task, tail: WriteSet)]) throws(StageError) {
    guard opened.contains(where: { !$0.tail.isEmpty }) else { return }
    do throws(StageError) {
      try openBatch()
      for (task, tail) in opened {
        try tail.forEach { (table, key, _) throws(StageError) in
          let value = try task.get(table, key) { value in
            if let value { Array(copying: value) } else { nil as [UInt8]? }
          }
          try task.put(table, key, value?.span.bytes)
        }
      }
      try commitBatch(by: steps.filter { $0 != .closeBatch })
    } catch {
      // To go on without it would be wrong.
      guard error.reaction == .abortBatch else { throw error }
      throw .failed(error.reason, .abandonPartition)
    }
  }

}
