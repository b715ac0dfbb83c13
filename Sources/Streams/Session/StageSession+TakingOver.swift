import EventLog

// What a member of the group leaves behind for the next owner of its partitions.

extension StageSession where Operator: ~Copyable {
  /// Aborts the transactions of members that have not given these partitions up cleanly.
  func fencePredecessors(on partitions: [TopicPartition]) throws(StageError) {
    guard let takeover else { return }
    try retrying { () throws(StageError) in
      let owners = try StageError.log { () throws(LogError) in
        try self.consumer.owners(of: partitions)
      }
      for owner in takeover.predecessors(owners) {
        self.environment.emit(.fencingPredecessor(instance: owner))
        try StageError.log { () throws(LogError) in
          try self.environment.log.fence(transactionalID: owner)
        }
      }
    }
  }

  /// Puts this instance's name on partitions before its first transaction on them.
  func claim(_ partitions: [TopicPartition]) throws(StageError) {
    guard takeover != nil else { return }
    let offsets = ownOffsets(of: partitions)
    try retrying { () throws(StageError) in
      try StageError.log { () throws(LogError) in try self.consumer.commit(offsets, wait: true) }
    }
  }

  /// Takes this instance's name off partitions on which it has nothing open.
  func disown(_ offsets: [TopicPartition: Int64]) throws(StageError) {
    guard takeover != nil else { return }
    try StageError.log { () throws(LogError) in try consumer.disown(offsets) }
  }
}
