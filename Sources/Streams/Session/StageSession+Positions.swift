import EventLog

// The stage's positions, for its changelog, its group and its watchers.

extension StageSession where Operator: ~Copyable {
  /// Ends the batch of each touched partition with its position.
  func putPositions() throws(StageError) {
    let now = environment.now()
    for task in tasks where task.isTouched {
      try task.putPosition()
      if task.keepsPosition { ledger.put(task.source, isSent: task.sendsPosition, at: now) }
    }
  }

  /// Sends the positions that earlier batches still owe.
  ///
  /// - Parameter all: whether to send those that are not due yet: before partitions are given up.
  func settlePositions(all: Bool = false) throws(StageError) {
    let now = environment.now()
    let owing = tasks.filter { ledger.owes($0.source, all: all, at: now) }
    if !owing.isEmpty {
      for task in owing {
        try task.sendPosition()
        ledger.send(task.source, at: now)
      }
      try awaitDelivery()
      environment.crashPoint(.awaitDelivery)
    }
    try tellOffsets(all: all)
  }

  /// Moves positions past the markers at the ends of partitions.
  func passEnds() throws(StageError) {
    var passed: [(task: Task, end: Int64)] = []
    for task in tasks where !isUpgrading {
      guard let end = idleEnds.end(of: task.source, beyond: task.nextOffset) else { continue }
      passed.append((task, end))
    }
    idleEnds.removeAll()
    guard !passed.isEmpty else { return }
    try openBatch()
    for (task, end) in passed {
      task.nextOffset = end
      task.isTouched = true
    }
    try commitBatch(by: steps.filter { $0 != .closeBatch && $0 != .flushEffects })
  }

  func tellOffsets(all: Bool = false) throws(StageError) {
    let now = environment.now()
    guard let offsets = ledger.offsetsToTell(all: all, at: now) else { return }
    try StageError.log { () throws(LogError) in try consumer.commit(offsets, wait: false) }
    ledger.tellOffsets(at: now)
  }

  /// The next offset of each partition in the batch. A refresh moves none of them; it commits them
  /// again, because the group metadata that goes with them fences a member that was replaced.
  var touchedOffsets: [TopicPartition: Int64] {
    var offsets: [TopicPartition: Int64] = [:]
    for task in tasks where task.isTouched { offsets[task.source] = task.nextOffset }
    return offsets
  }

  func committedOffsets(of partitions: [TopicPartition]) -> [TopicPartition: Int64] {
    var offsets: [TopicPartition: Int64] = [:]
    for task in tasks where partitions.contains(task.source) {
      offsets[task.source] = task.committedOffset
    }
    return offsets
  }

  /// The committed offsets of partitions whose offset in the group is this member's to write. That
  /// of a partition that starts elsewhere than it stood says so until a batch is committed.
  func ownOffsets(of partitions: [TopicPartition]) -> [TopicPartition: Int64] {
    let moved = Set(tasks.filter(\.isMoved).map(\.source))
    return committedOffsets(of: partitions.filter { !moved.contains($0) })
  }

  var positions: [TopicPartition: PartitionPosition] {
    var positions: [TopicPartition: PartitionPosition] = [:]
    for task in tasks {
      let next = task.nextOffset
      positions[task.source] = PartitionPosition(
        nextOffset: next, endOffset: consumer.endHint(of: task.source) ?? next,
        newestTime: task.newestTime)
    }
    return positions
  }

  func showPositions() {
    let positions = positions
    if ledger.showChange(positions) { environment.emit(.positions(positions)) }
  }
}
