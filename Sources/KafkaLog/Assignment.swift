import EventLog

/// Which partitions a consumer reads and from where, and the rebalance it has yet to answer.
///
/// A partition is absent, assigned, or released: librdkafka still has it, but its records are no
/// longer delivered. An event that takes a call to librdkafka returns it as a `Step`, and the state
/// changes once the call has succeeded (`finish`). So a failed call can be repeated.
struct Assignment: ~Copyable {
  /// How the group's protocol expresses changes.
  enum GroupProtocol {
    /// Whole assignments only.
    case eager
    /// Differences. Consumers without a group use this, too.
    case cooperative
  }

  /// A call to librdkafka. Offsets may be logical.
  enum Call: Equatable {
    case assign([TopicPartition: Int64])
    case incrementalAssign([TopicPartition: Int64])
    case incrementalUnassign(Set<TopicPartition>)
  }

  /// What an event requires.
  struct Step: Equatable {
    var call: Call
    var added: [TopicPartition: Int64] = [:]
    var removed: Set<TopicPartition> = []
    /// Whether the call answers the pending rebalance.
    var isAnswer: Bool
    /// Partitions to set back to their positions here, after the call.
    var seeks: Set<TopicPartition> = []
  }

  /// What to do with a fetched record.
  enum Admission: Equatable {
    case deliver
    /// The record was delivered before.
    case repeated(expected: Int64)
    /// The record's partition is not assigned, or no longer.
    case unassigned
  }

  private static let unassigned = Int64.max

  let topics: [String]
  private let version: LibraryVersion
  /// By topic and partition, the lowest offset still to be delivered; `unassigned` where nothing
  /// is. Logical start offsets are negative, so they let every record pass.
  private var positions: [[Int64]]
  /// Partitions given to librdkafka and not taken back.
  private(set) var assigned: Set<TopicPartition> = []
  /// Partitions of the pending revocation that the caller has released.
  private var released: Set<TopicPartition> = []
  /// Rewound partitions that the answer to the pending rebalance must seek in.
  private var owedSeeks: Set<TopicPartition> = []
  /// A change that the group waits for.
  private(set) var pending: Rebalance?
  /// Whether the group has ever made an assignment, even an empty one.
  private(set) var hasBeenAssigned = false

  /// - Parameter version: the library's, which decides where `Mend.skippedRecords` seeks.
  init(topics: [String], version: LibraryVersion = .linked) {
    self.topics = topics
    self.version = version
    positions = Array(repeating: [], count: topics.count)
  }

  // MARK: Events

  /// librdkafka reports a rebalance and waits.
  mutating func rebalanced(_ change: Rebalance) {
    pending = change
    if case .assigned = change { hasBeenAssigned = true }
  }

  /// The caller wants to read these partitions, too. `nil` if it does already, and no rebalance
  /// waits for an answer.
  func assign(
    _ starts: [(partition: TopicPartition, offset: StartOffset)], by groupProtocol: GroupProtocol
  ) -> Step? {
    let isAnswer = if case .assigned = pending { true } else { false }
    var added: [TopicPartition: Int64] = [:]
    for (partition, offset) in starts where !assigned.contains(partition) {
      added[partition] = offset.native
    }
    guard isAnswer || !added.isEmpty else { return nil }
    switch groupProtocol {
    case .eager:
      let all = positions(of: assigned).merging(added) { $1 }
      return Step(call: .assign(all), added: added, isAnswer: isAnswer)
    case .cooperative:
      return Step(
        call: .incrementalAssign(added), added: added, isAnswer: isAnswer,
        seeks: isAnswer ? seeks(in: assigned) : [])
    }
  }

  /// The caller is done with these partitions, whose records are no longer delivered. `nil` until
  /// it is done with a whole revocation, which one call answers.
  mutating func release(
    _ partitions: [TopicPartition], by groupProtocol: GroupProtocol
  ) -> Step? {
    for partition in partitions { setPosition(of: partition, to: Self.unassigned) }
    guard let revoked = pendingRevocation else {
      let removed = assigned.intersection(partitions)
      return removed.isEmpty ? nil : removal(of: removed, isAnswer: false, by: groupProtocol)
    }
    released.formUnion(partitions)
    guard released.isSuperset(of: revoked) else { return nil }
    return removal(of: assigned.intersection(released), isAnswer: true, by: groupProtocol)
  }

  /// The caller wants to read from these offsets again. Returns the partitions to seek in: none
  /// while a rebalance is pending, because librdkafka has paused everything. Then its answer seeks.
  mutating func rewind(
    to offsets: [TopicPartition: Int64], by groupProtocol: GroupProtocol
  ) -> Set<TopicPartition> {
    for (partition, offset) in offsets where assigned.contains(partition) {
      setPosition(of: partition, to: offset)
    }
    let rewound = assigned.intersection(offsets.keys)
    guard pending == nil || groupProtocol == .eager else {
      owedSeeks.formUnion(rewound)
      return []
    }
    return rewound
  }

  /// librdkafka has taken the step's call.
  mutating func finish(_ step: Step) {
    assigned.formUnion(step.added.keys)
    for (partition, offset) in step.added { setPosition(of: partition, to: offset) }
    assigned.subtract(step.removed)
    guard step.isAnswer else { return }
    pending = nil
    released = []
    owedSeeks = []
  }

  /// A record was fetched. Moves the partition's position past it if it is to be delivered.
  mutating func admit(topic: Int, partition: Int, offset: Int64) -> Admission {
    guard partition < positions[topic].count else { return .unassigned }
    let position = positions[topic][partition]
    guard offset >= position else {
      return position == Self.unassigned ? .unassigned : .repeated(expected: position)
    }
    positions[topic][partition] = offset + 1
    return .deliver
  }

  // MARK: Positions

  /// `nil` where nothing is delivered. Negative for a start that librdkafka looks up itself.
  func position(of partition: TopicPartition) -> Int64? {
    guard let topic = topics.firstIndex(of: partition.topic),
      Int(partition.partition) < positions[topic].count
    else { return nil }
    let position = positions[topic][Int(partition.partition)]
    return position == Self.unassigned ? nil : position
  }

  /// Those of the partitions that have one.
  func positions(of partitions: Set<TopicPartition>) -> [TopicPartition: Int64] {
    var result: [TopicPartition: Int64] = [:]
    for partition in partitions { result[partition] = position(of: partition) }
    return result
  }

  private mutating func setPosition(of partition: TopicPartition, to offset: Int64) {
    guard let topic = topics.firstIndex(of: partition.topic) else { return }
    let index = Int(partition.partition)
    let missing = index + 1 - positions[topic].count
    if missing > 0 {
      positions[topic].append(contentsOf: repeatElement(Self.unassigned, count: missing))
    }
    positions[topic][index] = offset
  }

  // MARK: Steps

  /// The partitions of a pending `revoked` or `lost`.
  private var pendingRevocation: [TopicPartition]? {
    switch pending {
    case .revoked(let partitions), .lost(let partitions): partitions
    case .assigned, nil: nil
    }
  }

  /// Where to seek after the answer to a rebalance that keeps these partitions.
  private func seeks(in kept: Set<TopicPartition>) -> Set<TopicPartition> {
    Mend.seeks(keeping: kept, rewound: owedSeeks, version)
  }

  private func removal(
    of removed: Set<TopicPartition>, isAnswer: Bool, by groupProtocol: GroupProtocol
  ) -> Step {
    let kept = assigned.subtracting(removed)
    return switch groupProtocol {
    case .eager:
      Step(call: .assign(positions(of: kept)), removed: removed, isAnswer: isAnswer)
    case .cooperative:
      Step(
        call: .incrementalUnassign(removed), removed: removed, isAnswer: isAnswer,
        seeks: isAnswer ? seeks(in: kept) : [])
    }
  }
}
