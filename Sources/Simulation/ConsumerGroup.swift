import EventLog

/// A consumer group: its members, the partitions each owns, and how far the group has read.
///
/// Rebalances are incremental: a member first gives up partitions, and a partition is assigned
/// again once nobody owns it.
struct ConsumerGroup: Sendable {
  private struct Member: Sendable {
    let process: SimulatedProcess
    let topics: [String]
    /// The member's name, if it is the same after a restart (static membership).
    let instanceID: String?
    /// When it was closed without leaving; its partitions wait for its restart.
    var closed: Duration?
    var owned: Set<TopicPartition> = []
    /// The change of assignment that it gets until it has followed it.
    var pending: Rebalance?
  }

  private(set) var generation = 0
  var committed: [TopicPartition: Int64] = [:]
  /// Who committed them; absent where somebody else did.
  var stamps: [TopicPartition: OffsetStamp] = [:]
  private var members: [Int: Member] = [:]
  private var nextMember = 0

  /// - Parameter instanceID: replaces a member of this name and keeps its partitions.
  mutating func join(
    _ process: SimulatedProcess, topics: [String], instanceID: String? = nil
  ) -> Int {
    nextMember += 1
    var member = Member(process: process, topics: topics, instanceID: instanceID)
    let former = instanceID == nil ? nil : members.first { $0.value.instanceID == instanceID }
    if let former {
      members[former.key] = nil
      member.owned = former.value.owned
      if !member.owned.isEmpty {
        member.pending = .assigned(member.owned.sorted(by: TopicPartition.inOrder))
      }
    } else {
      generation += 1
    }
    members[nextMember] = member
    return nextMember
  }

  mutating func leave(_ member: Int) {
    if members.removeValue(forKey: member) != nil { generation += 1 }
  }

  /// Removes a process's members, as the session timeout does.
  mutating func expire(_ process: SimulatedProcess) {
    for (id, member) in members where member.process === process { leave(id) }
  }

  /// Notes that a member has ended but may come back under its name.
  mutating func close(_ member: Int, at now: Duration) {
    members[member]?.closed = now
  }

  /// Removes the members that have been silent for longer.
  mutating func expireMembers(silentFor timeout: Duration, at now: Duration) {
    for id in members.keys.sorted() {
      guard let member = members[id] else { continue }
      let silence = [member.closed, member.process.silentSince(at: now)].compactMap(\.self).min()
      if let silence, now - silence > timeout { leave(id) }
    }
  }

  /// Drops the offsets of a topic, as Kafka does when the topic is deleted.
  mutating func forget(_ topic: String) {
    committed = committed.filter { $0.key.topic != topic }
    stamps = stamps.filter { $0.key.topic != topic }
  }

  /// The names of its members' processes.
  var memberNames: [String] { members.values.map(\.process.name).sorted() }

  /// Whether this member still belongs to the group: only then may it commit.
  func contains(_ member: Int) -> Bool { members[member] != nil }

  /// The next change of a member's assignment.
  mutating func nextRebalance(
    of member: Int, partitionCounts: [String: Int], expelsTheDead: Bool
  ) -> Rebalance? {
    if expelsTheDead {
      for (id, other) in members where !other.process.isAlive { leave(id) }
    }
    guard let current = members[member] else { return nil }
    if let pending = current.pending { return pending }
    let target = targets(partitionCounts)[member] ?? []
    let surplus = current.owned.subtracting(target)
    if !surplus.isEmpty {
      members[member]?.pending = .revoked(surplus.sorted(by: TopicPartition.inOrder))
      return members[member]?.pending
    }
    let owned = members.values.reduce(into: Set()) { $0.formUnion($1.owned) }
    let free = target.subtracting(owned)
    guard !free.isEmpty else { return nil }
    members[member]?.pending = .assigned(free.sorted(by: TopicPartition.inOrder))
    members[member]?.owned.formUnion(free)
    return members[member]?.pending
  }

  mutating func didAssign(_ member: Int) {
    members[member]?.pending = nil
  }

  mutating func didUnassign(_ member: Int, _ partitions: [TopicPartition]) {
    members[member]?.owned.subtract(partitions)
    members[member]?.pending = nil
  }

  /// Deals out the partitions of each topic to the members that read it, in order.
  private func targets(_ partitionCounts: [String: Int]) -> [Int: Set<TopicPartition>] {
    var targets: [Int: Set<TopicPartition>] = [:]
    let topics = Set(members.values.flatMap(\.topics)).sorted()
    for topic in topics {
      let readers = members.filter { $0.value.topics.contains(topic) }.keys.sorted()
      for partition in 0..<(partitionCounts[topic] ?? 0) {
        let reader = readers[partition % readers.count]
        targets[reader, default: []].insert(TopicPartition(topic, Int32(partition)))
      }
    }
    return targets
  }
}

extension TopicPartition {
  static func inOrder(_ a: TopicPartition, _ b: TopicPartition) -> Bool {
    (a.topic, a.partition) < (b.topic, b.partition)
  }
}
