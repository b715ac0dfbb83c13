import EventLog

/// The partitions of a session and their states.
///
/// A running partition has a *slot*, its index among the running ones. The session keeps its tasks
/// in the same order.
struct Assignment {
  private struct Slot {
    var partition: TopicPartition
    /// The topic's index among the stage's inputs.
    var topic: Int
  }

  private var states: [TopicPartition: PartitionPhase] = [:]
  private var slots: [Slot] = []
  /// Slots by topic and partition; -1 for a partition that isn't running.
  private var numbers: [[Int]]

  /// - Parameter inputs: how many topics the stage reads.
  init(inputs: Int) {
    numbers = Array(repeating: [], count: inputs)
  }

  /// The slot of a partition; -1 if it isn't running. Called for each record.
  func slot(topic: Int, partition: Int32) -> Int {
    let numbers = numbers[topic]
    return Int(partition) < numbers.count ? numbers[Int(partition)] : -1
  }

  /// The running partitions, by slot.
  var running: [TopicPartition] { slots.map(\.partition) }

  /// The partitions whose stores are being opened.
  var opening: [TopicPartition] { all(in: .opening) }

  func holds(_ partition: TopicPartition) -> Bool { states[partition] != nil }

  /// All partitions that the session has anything of.
  var held: [TopicPartition] { states.keys.sorted { order($0) < order($1) } }

  private func all(in state: PartitionPhase) -> [TopicPartition] {
    states.filter { $0.value == state }.keys.sorted { order($0) < order($1) }
  }

  private func order(_ partition: TopicPartition) -> (String, Int32) {
    (partition.topic, partition.partition)
  }

  // MARK: Transitions

  /// The group has given these partitions to the session.
  mutating func open(_ partitions: [TopicPartition]) {
    for partition in partitions {
      precondition(states[partition] == nil, "\(partition) is the session's already")
      states[partition] = .opening
    }
  }

  /// A partition's store is restored: the partition takes the next slot.
  ///
  /// - Parameter topic: the topic's index among the stage's inputs.
  mutating func run(_ partition: TopicPartition, topic: Int) {
    move(partition, to: .running)
    slots.append(Slot(partition: partition, topic: topic))
    renumber()
  }

  /// Stops these partitions and closes up the slots of the others. Partitions that aren't running
  /// stay as they are.
  mutating func release(_ partitions: [TopicPartition]) {
    for partition in partitions where states[partition] == .running {
      move(partition, to: .releasing)
    }
    slots.removeAll { states[$0.partition] != .running }
    renumber()
  }

  /// Drops these partitions, whatever their state.
  mutating func remove(_ partitions: [TopicPartition]) {
    for partition in partitions where states[partition] != nil {
      move(partition, to: .gone)
      states[partition] = nil
    }
    slots.removeAll { states[$0.partition] != .running }
    renumber()
  }

  private mutating func move(_ partition: TopicPartition, to next: PartitionPhase) {
    guard states[partition]?.move(to: next) != nil else {
      preconditionFailure("\(partition) is not the session's")
    }
  }

  private mutating func renumber() {
    for topic in numbers.indices { numbers[topic].removeAll() }
    for (number, slot) in slots.enumerated() {
      let partition = Int(slot.partition.partition)
      while numbers[slot.topic].count <= partition { numbers[slot.topic].append(-1) }
      numbers[slot.topic][partition] = number
    }
  }
}
