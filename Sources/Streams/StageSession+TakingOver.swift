import EventLog

// What one member of a group leaves behind, and the next one has to know.

extension StageSession where Operator: ~Copyable {
  /// Whether a dead member of the group may have left a transaction open, which would hold up
  /// whoever reads its partitions until the broker's timeout for transactions ends it.
  var leavesTransactions: Bool {
    configuration.guarantee == .exactlyOnce && producer != nil && configuration.followed == nil
  }

  /// Ends the transactions of members that have not given these partitions up in good order: they
  /// are dead, or stand still and shall find out when they go on.
  func fencePredecessors(on partitions: [TopicPartition]) throws(StageError) {
    guard leavesTransactions else { return }
    try retrying { () throws(StageError) in
      let owners = try StageError.log { () throws(LogError) in
        try self.consumer.owners(of: partitions)
      }
      for owner in Set(owners.values).sorted() where self.isPredecessor(owner) {
        self.environment.emit(.fencingPredecessor(instance: owner))
        try StageError.log { () throws(LogError) in
          try self.environment.log.fence(transactionalID: owner)
        }
      }
    }
  }

  /// Offsets may bear other metadata, when somebody has set them by hand.
  func isPredecessor(_ owner: String) -> Bool {
    owner != configuration.instanceID && configuration.identity.isMember(owner)
  }

  /// Puts this instance's name to partitions before its first transaction on them.
  func claim(_ partitions: [TopicPartition]) throws(StageError) {
    guard leavesTransactions else { return }
    let offsets = committedOffsets(of: partitions)
    try retrying { () throws(StageError) in
      try StageError.log { () throws(LogError) in try self.consumer.commit(offsets, wait: true) }
    }
  }

  /// Takes this instance's name off partitions on which it has nothing open.
  func disown(_ offsets: [TopicPartition: Int64]) throws(StageError) {
    guard leavesTransactions else { return }
    try StageError.log { () throws(LogError) in try consumer.disown(offsets) }
  }

  func committedOffsets(of partitions: [TopicPartition]) -> [TopicPartition: Int64] {
    var offsets: [TopicPartition: Int64] = [:]
    for task in tasks where partitions.contains(task.source) {
      offsets[task.source] = task.committedOffset
    }
    return offsets
  }
}
