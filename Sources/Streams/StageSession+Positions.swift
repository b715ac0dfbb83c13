import EventLog

// Where the stage stands, and what it tells of that without transactions.

extension StageSession where Operator: ~Copyable {
  var positions: [TopicPartition: PartitionPosition] {
    var positions: [TopicPartition: PartitionPosition] = [:]
    for task in tasks {
      let next = task.nextOffset
      positions[task.source] = PartitionPosition(
        nextOffset: next, endOffset: consumer.endHint(of: task.source) ?? next)
    }
    return positions
  }

  func tellPositions() {
    let positions = positions
    guard positions != toldPositions else { return }
    toldPositions = positions
    environment.emit(.positions(positions))
  }

  /// Without transactions the group's offsets and the changelog's positions are written ten times a
  /// second at the most. Each time costs the broker as much as a small batch does; what they save
  /// after a crash is outputs that may repeat anyway. The store has its position with each batch.
  static var positionInterval: Duration { .milliseconds(100) }

  func chooseWhoSendsPositions() {
    guard configuration.guarantee == .atLeastOnce else { return }
    let now = environment.now()
    for task in tasks { task.sendsPosition = isDue(task, now) }
  }

  func isDue(_ task: Task, _ now: ContinuousClock.Instant) -> Bool {
    task.positionSent.map { now - $0 >= Self.positionInterval } ?? true
  }

  /// Sends what the batches before have left: what is due, or before the partitions go, all.
  func settlePositions(all: Bool = false) throws(StageError) {
    let now = environment.now()
    let owing = tasks.filter { $0.owesPosition && (all || isDue($0, now)) }
    if !owing.isEmpty {
      for task in owing { try task.sendPosition(at: now) }
      try perform(.awaitDelivery)
    }
    try tellOffsets(all: all)
  }

  func tellOffsets(all: Bool = false) throws(StageError) {
    let now = environment.now()
    guard !untoldOffsets.isEmpty, all || now - offsetsTold >= Self.positionInterval else { return }
    let offsets = untoldOffsets
    try StageError.log { () throws(LogError) in try consumer.commit(offsets, wait: false) }
    untoldOffsets.removeAll(keepingCapacity: true)
    offsetsTold = now
  }
}
