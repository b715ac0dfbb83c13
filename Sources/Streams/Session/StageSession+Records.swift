import EventLog
import StateStore

// Where the operator is called.

extension StageSession where Operator: ~Copyable {
  func take(_ record: borrowing RecordView) throws(StageError) {
    let slot = assignment.slot(topic: record.topic, partition: record.partition)
    // Fetched before the partition was given up; its next owner reads it again.
    guard slot >= 0 else { return }
    if slot != latestSlot { (latestSlot, latest) = (slot, owned[slot]) }
    guard let partition = latest else { return }
    let task = partition.task
    guard record.offset >= task.nextOffset else { return ledger.noteRedelivery() }
    if !batch.isOpen { try openBatch() }
    try stageOperator.process(record, &partition.working, task)
    task.isTouched = true
    task.nextOffset = record.offset + 1
    batch.add(bytes: (record.key?.byteCount ?? 0) + (record.value?.byteCount ?? 0))
  }

  func publish() throws(StageError) {
    for partition in owned where partition.task.isTouched {
      try stageOperator.publish(&partition.working, partition.task)
    }
  }

  func refreshIfWanted() throws(StageError) {
    guard !owned.isEmpty, try stageOperator.wantsRefresh() else { return }
    try openBatch()
    for partition in owned {
      try stageOperator.refresh(&partition.working, partition.task)
    }
    try commitBatch()
  }

  func closeOperators() throws(StageError) {
    for partition in owned where partition.task.isTouched {
      try stageOperator.closeBatch(&partition.working, partition.task)
    }
  }

  func rollBackTasks() throws(StageError) {
    for partition in owned {
      partition.task.rollBack()
      partition.working = try stageOperator.makeWorking(partition.task)
    }
  }
}
