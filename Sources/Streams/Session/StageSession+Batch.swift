import EventLog
import StateStore

// A batch, from its first record to its commit or abort.

extension StageSession where Operator: ~Copyable {
  func openBatch() throws(StageError) {
    if let producer {
      try StageError.log { () throws(LogError) in try strategy.begin(producer) }
    }
    let now = environment.now()
    batch.open(at: now)
    for task in tasks {
      task.sendsPosition = strategy.sendsPosition(isDue: ledger.isDue(task.source, at: now))
    }
    try stageOperator.beginBatch()
  }

  /// Commits the open batch, if there is one.
  func commitBatch() throws(StageError) {
    guard batch.isOpen else { return }
    try commitBatch(by: steps)
  }

  /// - Parameter isTold: whether watchers hear of it; a batch without records and outputs is
  ///   nobody's business.
  func commitBatch(by steps: [CommitStep], isTold: Bool = true) throws(StageError) {
    let began = environment.now()
    let open = batch.age(at: began)
    batch.beginCommit()
    var times: [BatchSummary.StepTime] = []
    var reached = began
    for step in steps {
      try perform(step)
      let now = environment.now()
      times.append(BatchSummary.StepTime(step, now - reached))
      reached = now
    }
    for task in tasks where task.isTouched { task.settle() }
    guard isTold else {
      _ = batch.finish()
      return
    }
    let report = stageOperator.report()
    let summary = summary(of: report, open: open, steps: times)
    hasCommitted = true
    ledger.show(summary.positions)
    if batch.finish() { environment.releaseMemory() }
    environment.emit(.batchCommitted(summary))
    for event in report.events { environment.emit(event) }
  }

  private func summary(
    of report: BatchReport, open: Duration, steps: [BatchSummary.StepTime]
  ) -> BatchSummary {
    var summary = BatchSummary(
      records: batch.records, bytes: batch.bytes, redeliveries: ledger.redeliveries,
      judged: report.judged, open: open, steps: steps, positions: positions)
    summary.inputs = batch.inputs.filter { $0.records > 0 }
    summary.outputs = takeOutputs()
    summary.requests = report.requests
    summary.projected = report.projected
    if let time = environment.time?() {
      summary.ages = batch.times.ages(at: time)
      summary.completed = report.completed.ages(at: time)
    }
    return summary
  }

  /// What all tasks have sent since they were last asked, by topic.
  private func takeOutputs() -> [TopicTally] {
    var sum = SentRecords(topics: configuration.producedTopics)
    for task in tasks { sum.add(task.takeSent()) }
    return sum.tallies.filter { $0.records > 0 }
  }

  private func perform(_ step: CommitStep) throws(StageError) {
    switch step {
    case .closeBatch: try closeOperators()
    case .flushEffects:
      try retrying(.growing) { () throws(StageError) in try self.stageOperator.flush() }
    case .sendPositions: try putPositions()
    case .awaitDelivery: try awaitDelivery()
    case .commitTransaction:
      let offsets = touchedOffsets
      try retrying { () throws(StageError) in
        try StageError.log { () throws(LogError) in
          try self.producer?.commitTransaction(
            offsets: offsets, of: self.consumer, timeout: DeliveryTimes.answer)
        }
      }
    case .commitStores:
      // The log has the batch: on a full disk it waits for room instead of being read again.
      try retrying { () throws(StageError) in
        for task in self.tasks where task.isTouched { try task.commitStore() }
      }
    case .commitOffsets:
      ledger.note(touchedOffsets)
      try tellOffsets()
    }
    environment.crashPoint(step)
  }

  func awaitDelivery() throws(StageError) {
    try retrying { () throws(StageError) in
      try StageError.log { () throws(LogError) in
        try self.producer?.flush(timeout: DeliveryTimes.answer)
      }
    }
  }

  func abortBatch(because error: StageError) throws(StageError) {
    guard strategy.canAbort(hasState: configuration.changelog != nil) else {
      throw .failed(error.reason, .abandonPartition)
    }
    environment.emit(.batchAborted(error.reason))
    if let producer {
      try retrying { () throws(StageError) in
        try StageError.log { () throws(LogError) in try self.strategy.abort(producer) }
      }
    }
    idleEnds.removeAll()
    let offsets = committedOffsets(of: assignment.running)
    try rollBackTasks()
    ledger.rollBack()
    batch.fail()
    try StageError.log { () throws(LogError) in try consumer.rewind(offsets) }
  }

  /// Repeats a call while its error says to retry. Watchers hear of the first error, and of each
  /// one with another code than that before it.
  func retrying(
    _ pauses: RetryPauses = .steady, _ body: () throws(StageError) -> Void
  ) throws(StageError) {
    var pauses = pauses
    var code: Reason.Code?
    while true {
      if code != nil, environment.stop.isStopped { throw .stopped }
      do throws(StageError) {
        try body()
        if code != nil { environment.emit(.resumed) }
        return
      } catch {
        guard error.reaction == .retry else { throw error }
        if code != error.reason.code { environment.emit(.waiting(error.reason)) }
        code = error.reason.code
        pause(pauses.next())
      }
    }
  }

  /// Waits in steps, between which a stop is noticed.
  private func pause(_ duration: Duration) {
    var left = duration
    while left > .zero, !environment.stop.isStopped {
      let step = min(left, RetryPauses.shortest)
      environment.pause(step)
      left -= step
    }
  }
}
