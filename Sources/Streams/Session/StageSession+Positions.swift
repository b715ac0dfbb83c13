import EventLog

// Where the stage stands, for its changelog, its group, and whoever watches it.

extension StageSession where Operator: ~Copyable {
  /// Ends the batch of each touched partition with its position.
  func putPositions() throws(StageError) {
    let now = environment.now()
    for task in tasks where task.isTouched {
      try task.putPosition()
      if task.store != nil { ledger.put(task.source, isSent: task.sendsPosition, at: now) }
    }
  }

  /// Sends what the batches before have left: what is due, or before partitions are given up, all.
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

  func tellOffsets(all: Bool = false) throws(StageError) {
    let now = environment.now()
    guard let offsets = ledger.offsetsToTell(all: all, at: now) else { return }
    try StageError.log { () throws(LogError) in try consumer.commit(offsets, wait: false) }
    ledger.tellOffsets(at: now)
  }

  /// Where each partition of the batch stands. Those of a refresh have not moved; they are
  /// committed again, because the group's metadata that goes with them fences a member the group
  /// has moved on from.
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

  var positions: [TopicPartition: PartitionPosition] {
    var positions: [TopicPartition: PartitionPosition] = [:]
    for task in tasks {
      let next = task.nextOffset
      positions[task.source] = PartitionPosition(
        nextOffset: next, endOffset: consumer.endHint(of: task.source) ?? next)
    }
    return positions
  }

  func showPositions() {
    let positions = positions
    if ledger.showChange(positions) { environment.emit(.positions(positions)) }
  }
}
