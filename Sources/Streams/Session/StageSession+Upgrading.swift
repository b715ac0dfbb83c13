import EventLog
import StateStore

// Brings states of earlier versions up to date, a batch at a time between two polls: it may take
// longer than the group waits for a member that does not poll. What is done is committed, so a stop
// or a crash costs nothing. Meanwhile other partitions go on.

extension StageSession where Operator: ~Copyable {
  var isUpgrading: Bool { owned.contains { $0.upgrade != nil } }

  /// Notes the partitions among these whose states are of earlier versions.
  func planUpgrades(_ sources: [TopicPartition]) {
    for partition in owned
    where sources.contains(partition.task.source) && stageOperator.isOutdated(partition.state) {
      partition.upgrade = StateUpgrade()
    }
  }

  /// Does the next part of the first of them.
  func goOnUpgrading() throws(StageError) {
    try commitBatch()
    guard let partition = owned.first(where: { $0.upgrade != nil }) else { return }
    guard stageOperator.isOutdated(partition.state) else { return try endUpgrade(of: partition) }
    let task = partition.task
    if partition.upgrade?.progress == nil {
      var progress = RestoreProgress(task.source.description, partitions: 1, at: environment.now())
      environment.emit(.upgrading(progress.begin(total: task.nextOffset, at: environment.now())))
      partition.upgrade?.progress = progress
    }
    try openBatch()
    let step = try stageOperator.upgrade(&partition.state, task)
    if let obstacle = step.obstacle { partition.upgrade?.obstacle = obstacle }
    task.isTouched = true
    try commitBatch()
    partition.state = try stageOperator.makeState(task)
    let status = partition.upgrade?.progress?.advance(
      to: step.done, of: step.total, at: environment.now())
    if let status { environment.emit(.upgrading(status)) }
  }

  private func endUpgrade(of partition: Owned) throws(StageError) {
    let (task, upgrade) = (partition.task, partition.upgrade)
    // What was fetched meanwhile was dropped.
    try StageError.log { () throws(LogError) in
      try consumer.rewind([task.source: task.nextOffset])
    }
    idleEnds.forget([task.source])
    partition.upgrade = nil
    stageOperator.partitionsChanged(tasks)
    if let obstacle = upgrade?.obstacle {
      environment.emit(.notUpgraded(task.source, obstacle))
    } else if let progress = upgrade?.progress {
      let records = Int(clamping: task.nextOffset)
      environment.emit(.upgraded(progress.finish(records: records, at: environment.now())))
    }
    if !isUpgrading { environment.emit(.processing(assignment.running)) }
  }
}
