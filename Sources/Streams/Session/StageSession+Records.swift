import EventLog
import StateStore

// Calls of the operator.

extension StageSession where Operator: ~Copyable {
  func take(_ run: borrowing RecordRun) throws(StageError) {
    let slot = assignment.slot(topic: run.topic, partition: run.partition)
    // Fetched before the partition was given up: its next owner reads it again.
    guard slot >= 0 else { return }
    let partition = owned[slot]
    // Read again once the state is of this version.
    guard partition.upgrade == nil else { return }
    let task = partition.task
    let first = run.index(ofOffset: task.nextOffset)
    if first > 0 { ledger.noteRedeliveries(first) }
    guard first < run.count else { return }
    if !batch.isOpen { try openBatch() }
    let records = run.extracting(first..<run.count)
    try stageOperator.process(records, &partition.state, task)
    task.pass(records)
    batch.add(records, keepsTimes: environment.time != nil)
  }

  func publish() throws(StageError) {
    for partition in owned where partition.task.isTouched {
      try stageOperator.publish(&partition.state, partition.task)
    }
  }

  func refreshIfWanted() throws(StageError) {
    guard !owned.isEmpty, try stageOperator.wantsRefresh() else { return }
    try openBatch()
    for partition in owned {
      try stageOperator.refresh(&partition.state, partition.task)
    }
    try commitBatch()
  }

  func closeOperators() throws(StageError) {
    for partition in owned where partition.task.isTouched {
      try stageOperator.closeBatch(&partition.state, partition.task)
      try partition.state.writeTables()
    }
  }

  func rollBackTasks() throws(StageError) {
    for partition in owned {
      partition.task.rollBack()
      partition.state = try stageOperator.makeState(partition.task)
    }
  }
}
