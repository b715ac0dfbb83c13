import EventLog
import StateStore

// From a partition's store and changelog to a task that can process records.

extension StageSession where Operator: ~Copyable {
  /// Opens tasks, each with the changes at its changelog's end that no position vouches for.
  func openTasks(_ sources: [TopicPartition])
    throws(StageError) -> [(task: Task, tail: WriteSet)]
  {
    // Asked first: if the group moves on without this member, whatever it has committed by now is
    // in any state that is restored, and any range that is read, afterwards.
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

  private func makeTask(
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

  /// Brings states of earlier versions up to date, a batch at a time. What is done is committed, so
  /// a stop or a crash costs nothing.
  func upgradeStates(_ sources: [TopicPartition]) throws(StageError) {
    let outdated = owned.filter {
      sources.contains($0.task.source) && stageOperator.isOutdated($0.state)
    }
    for partition in outdated {
      var progress = RestoreProgress(
        partition.task.source.description, partitions: 1, at: environment.now())
      environment.emit(
        .upgrading(progress.begin(total: partition.task.nextOffset, at: environment.now())))
      while stageOperator.isOutdated(partition.state) {
        if environment.stop.isStopped { return }
        try openBatch()
        let step = try stageOperator.upgrade(&partition.state, partition.task)
        partition.task.isTouched = true
        try commitBatch()
        partition.state = try stageOperator.makeState(partition.task)
        let status = progress.advance(to: step.done, of: step.total, at: environment.now())
        if let status { environment.emit(.upgrading(status)) }
      }
      let records = Int(clamping: partition.task.nextOffset)
      environment.emit(.upgraded(progress.finish(records: records, at: environment.now())))
    }
    if !outdated.isEmpty { stageOperator.partitionsChanged(tasks) }
  }

  /// Writes the values of the state over changes that no position vouches for: the next position
  /// would vouch for them too, and its batch need not change the same keys. It is a batch of its
  /// own, whose position then vouches for nothing wrong.
  func takeBack(_ opened: [(task: Task, tail: WriteSet)]) throws(StageError) {
    guard opened.contains(where: { !$0.tail.isEmpty }) else { return }
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
  }
}
