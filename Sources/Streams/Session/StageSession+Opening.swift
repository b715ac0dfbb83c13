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
    var commits = try StageError.log { () throws(LogError) in try consumer.commits(of: sources) }
    var starts: [TopicPartition: Int64] = [:]
    try retrying(.growing) { () throws(StageError) in
      starts = try self.stageOperator.resume(sources, committed: commits.mapValues(\.offset))
    }
    try catchUp(with: starts, commits)
    for (source, offset) in starts { commits[source] = GroupOffset(offset, commits[source]?.stamp) }
    let recorded = try recordedPositions(of: sources, commits)
    var restored: [RestoredStore<Storage.Store>] = []
    if let changelog = configuration.changelog {
      restored = try Restorer(environment: environment, changelog: changelog)
        .open(sources.map(\.partition))
    }
    var known: [TopicPartition: Known] = [:]
    for (number, source) in sources.enumerated() {
      let position =
        configuration.changelog == nil
        ? recorded[source.partition].map { Position(inputOffset: $0.nextOffset, last: $0.last) }
        : restored[number].position
      known[source] = Known(
        commit: commits[source], position: position,
        furthestOffset: recorded[source.partition]?.furthestOffset,
        isRecorded: recorded[source.partition] != nil)
    }
    let gone = try partitionsGone(recorded)
    for source in try checkInput(known, gone) { known[source]?.furthestOffset = nil }
    let outcomes = try standings(known, hasRecords: !recorded.isEmpty)
    var opened: [(task: Task, tail: WriteSet)] = []
    for (number, source) in sources.enumerated() {
      let state = configuration.changelog == nil ? nil : restored[number]
      if let state {
        environment.emit(
          .storeOpened(partition: source.partition, inputOffset: state.position?.inputOffset))
      }
      var start = try start(source, known[source], outcomes[source] ?? .goOn(at: nil), state)
      start.goneRecords = gone
      opened.append((try makeTask(source, state, start), state?.tail ?? WriteSet()))
    }
    return opened
  }

  /// Commits what an operator knows to be done and the group does not: a crash came between the
  /// two, or the group's offsets have expired. Lag must not show forever.
  private func catchUp(
    with starts: [TopicPartition: Int64], _ commits: [TopicPartition: GroupOffset]
  ) throws(StageError) {
    let ahead = starts.filter { $0.value > commits[$0.key]?.offset ?? 0 }
    guard !ahead.isEmpty else { return }
    try StageError.log { () throws(LogError) in try consumer.commit(ahead, wait: false) }
  }

  private func start(
    _ source: TopicPartition, _ known: Known?, _ outcome: GroupStanding.Outcome,
    _ state: RestoredStore<Storage.Store>?
  ) throws(StageError) -> TaskStart {
    let offset = try environment.startOffset(
      of: source, outcome, known?.commit, hasState: state?.position != nil, for: consumer)
    var start = TaskStart(
      offset: offset, furthestOffset: known?.furthestOffset ?? offset,
      isRecorded: known?.isRecorded == true, origin: state?.origin)
    if case .move = outcome { start.isMoved = true } else { start.last = known?.position?.last }
    return start
  }

  private func makeTask(
    _ source: TopicPartition, _ state: RestoredStore<Storage.Store>?, _ start: TaskStart
  ) throws(StageError) -> Task {
    guard let topic = configuration.inputs.firstIndex(of: source.topic) else {
      throw .failed(
        Reason(.unexpectedPartition, "assigned \(source), which this stage does not read"),
        .stopDaemon)
    }
    // Both come behind the operator's outputs, and no stage has both.
    let own = configuration.outputs.count
    return try Task(
      topic: topic, source: source, store: state?.store, producer: producer,
      changelogTopic: state == nil ? nil : own,
      positionsTopic: configuration.positions == nil ? nil : own,
      producedTopics: configuration.producedTopics, outputCounts: configuration.outputCounts,
      start: start)
  }

  /// Gives changelog partitions that have no identity one, before a change of this session is
  /// written to them.
  func identifyChangelogs(_ tasks: [Task]) throws(StageError) {
    let nameless = tasks.filter { $0.origin != nil && $0.origin?.changelog == nil }
    guard !nameless.isEmpty else { return }
    try openBatch()
    for task in nameless {
      let numbers = (environment.random(), environment.random())
      try task.sendIdentity(ChangelogIdentity(random: numbers))
    }
    try commitBatch(
      by: steps.filter { $0 != .closeBatch && $0 != .sendPositions }, isTold: false)
  }

  /// Records where the stage begins in partitions that it has never read, so that an offset that
  /// somebody else sets is known for one even before their first event.
  func recordBeginnings(_ tasks: [Task]) throws(StageError) {
    let unrecorded = tasks.filter(\.lacksRecord)
    guard !unrecorded.isEmpty else { return }
    try openBatch()
    for task in unrecorded { try task.sendBeginning() }
    try commitBatch(
      by: steps.filter { $0 != .closeBatch && $0 != .sendPositions }, isTold: false)
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
