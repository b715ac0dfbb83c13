import EventLog

/// Which partitions are a session's, and how far each of them is.
///
/// A partition that runs has a *slot*: its place among those that run. The session keeps its tasks
/// in that order.
struct Assignment {
  private struct Slot {
    var partition: TopicPartition
    /// The topic's index among the stage's inputs.
    var topic: Int
  }

  private var states: [TopicPartition: PartitionState] = [:]
  private var slots: [Slot] = []
  /// Slots by topic and partition; -1 for a partition that does not run.
  private var numbers: [[Int]]

  /// - Parameter inputs: how many topics the stage reads.
  init(inputs: Int) {
    numbers = Array(repeating: [], count: inputs)
  }

  /// The slot of a partition; -1 when it does not run. Asked for each record.
  func slot(topic: Int, partition: Int32) -> Int {
    let numbers = numbers[topic]
    return Int(partition) < numbers.count ? numbers[Int(partition)] : -1
  }

  /// Those that run, by slot.
  var running: [TopicPartition] { slots.map(\.partition) }

  /// Those whose stores the session has, or is about to have.
  var opening: [TopicPartition] { all(in: .opening) }

  func holds(_ partition: TopicPartition) -> Bool { states[partition] != nil }

  /// All that are not gone.
  var held: [TopicPartition] { states.keys.sorted { order($0) < order($1) } }

  private func all(in state: PartitionState) -> [TopicPartition] {
    states.filter { $0.value == state }.keys.sorted { order($0) < order($1) }
  }

  private func order(_ partition: TopicPartition) -> (String, Int32) {
    (partition.topic, partition.partition)
  }

  // MARK: Transitions

  /// The group gives partitions to the session.
  mutating func open(_ partitions: [TopicPartition]) {
    for partition in partitions {
      precondition(states[partition] == nil, "\(partition) is the session's already")
      states[partition] = .opening
    }
  }

  /// A partition's store is up to date: it takes the next slot.
  ///
  /// - Parameter topic: the topic's index among the stage's inputs.
  mutating func run(_ partition: TopicPartition, topic: Int) {
    move(partition, to: .running)
    slots.append(Slot(partition: partition, topic: topic))
    renumber()
  }

  /// Records of these partitions are not taken any more. The others move up in their slots; what
  /// does not run is left as it is.
  mutating func release(_ partitions: [TopicPartition]) {
    for partition in partitions where states[partition] == .running {
      move(partition, to: .releasing)
    }
    slots.removeAll { states[$0.partition] != .running }
    renumber()
  }

  /// The session has nothing of these partitions any more.
  mutating func remove(_ partitions: [TopicPartition]) {
    for partition in partitions where states[partition] != nil {
      move(partition, to: .gone)
      states[partition] = nil
    }
    slots.removeAll { states[$0.partition] != .running }
    renumber()
  }

  private mutating func move(_ partition: TopicPartition, to next: PartitionState) {
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
