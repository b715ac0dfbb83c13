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
      changelogTopic: state == nil ? nil : configuration.outputs.count,
      outputCounts: configuration.outputCounts, startOffset: start)
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
