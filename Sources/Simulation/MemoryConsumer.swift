public import EventLog

/// A consumer of a `MemoryLog`.
public final class MemoryConsumer: LogConsumer {
  private let brokers: MemoryLog.Brokers
  private let process: SimulatedProcess
  private let configuration: ConsumerConfiguration
  /// This member's id in the group; `nil` before it has joined.
  private var member: Int?
  private var positions: [TopicPartition: Int64] = [:]
  /// Where reading started: nothing before it is ever delivered.
  private var beginnings: [TopicPartition: Int64] = [:]
  /// Ends already reported: an end is reported once, until the partition grows.
  private var toldEnds: [TopicPartition: Int64] = [:]
  private var endHints: [TopicPartition: Int64] = [:]
  private var turn = 0

  init(
    _ brokers: MemoryLog.Brokers, _ process: SimulatedProcess,
    _ configuration: ConsumerConfiguration
  ) {
    self.brokers = brokers
    self.process = process
    self.configuration = configuration
  }

  private struct Batch {
    var runs: [(partition: TopicPartition, records: [MemoryRecord])] = []
    var count = 0
    var ends: [TopicPartition: Int64] = [:]
  }

  // MARK: Reading

  public func pollRuns(
    maxRecords: Int, timeout: Duration, _ body: (borrowing RecordRun) -> Bool
  ) throws(LogError) -> PollResult {
    var result = PollResult()
    let batch = try process.perform(.poll) { fault throws(LogError) -> Batch? in
      if case .silence? = fault { return Batch() }
      result.rebalance = nextRebalance()
      guard result.rebalance == nil else { return nil }
      var redelivered: Int64 = 0
      if case .redeliver(let offsets)? = fault { redelivered = offsets }
      return try fetch(process.fetchLimit(maxRecords), redelivered)
    }
    guard let batch else { return result }
    var isStopped = false
    for (partition, records) in batch.runs where !isStopped {
      result.records += records.count
      isStopped = !deliver(records, partition, body)
    }
    if !isStopped { result.ends = batch.ends }
    if batch.runs.isEmpty, batch.ends.isEmpty {
      brokers.withState { $0.writeMarkers() }
      process.idle(group: configuration.group, timeout: timeout)
    }
    return result
  }

  private func deliver(
    _ records: [MemoryRecord], _ partition: TopicPartition,
    _ body: (borrowing RecordRun) -> Bool
  ) -> Bool {
    let topic = configuration.topics.firstIndex(of: partition.topic) ?? 0
    // Keys and values one after another, so that all of them are in memory that stays.
    var bytes: [UInt8] = []
    for record in records { bytes += (record.key ?? []) + (record.value ?? []) }
    return bytes.withUnsafeBytes { memory in
      records.withUnsafeBufferPointer { elements in
        guard let first = elements.baseAddress else { return true }
        var next = 0
        func place(_ bytes: [UInt8]?) -> UnsafeRawBufferPointer? {
          guard let bytes else { return nil }
          defer { next += bytes.count }
          return UnsafeRawBufferPointer(rebasing: memory[next..<next + bytes.count])
        }
        let places = elements.indices.map { index in
          RecordRun.Place(
            offset: elements[index].offset, timestamp: elements[index].timestamp,
            key: place(elements[index].key), value: place(elements[index].value),
            record: UnsafeRawPointer(first + index))
        }
        return body(
          RecordRun(topic: topic, partition: partition.partition, places: places.span) {
            $0.assumingMemoryBound(to: MemoryRecord.self).pointee.headers
          })
      }
    }
  }

  private func fetch(_ maxRecords: Int, _ redelivered: Int64) throws(LogError) -> Batch {
    let partitions = positions.keys.sorted(by: TopicPartition.inOrder)
    guard !partitions.isEmpty else { return Batch() }
    turn += 1
    return try brokers.withState { state throws(LogError) in
      var batch = Batch()
      for index in partitions.indices {
        let partition = partitions[(index + turn) % partitions.count]
        let log = try state.partition(partition)
        let current = positions[partition, default: 0]
        guard current >= log.start else {
          throw LogError(
            .offsetOutOfRange, "\(partition) begins at \(log.start), after the reader's position",
            reaction: .rebuildStore)
        }
        let floor = max(log.start, beginnings[partition, default: 0])
        let fetch = log.fetch(
          from: max(min(floor, current), current - redelivered),
          maxRecords: maxRecords - batch.count,
          readCommitted: configuration.readCommitted)
        if !fetch.records.isEmpty { batch.runs.append((partition, fetch.records)) }
        batch.count += fetch.records.count
        positions[partition] = fetch.next
        endHints[partition] = log.visibleEnd(readCommitted: configuration.readCommitted)
        if fetch.isAtEnd, toldEnds[partition] != fetch.next {
          toldEnds[partition] = fetch.next
          batch.ends[partition] = fetch.next
        }
      }
      return batch
    }
  }

  public func assign(_ starts: [(partition: TopicPartition, offset: StartOffset)])
    throws(LogError)
  {
    try process.perform(.assign) { () throws(LogError) in
      try brokers.withState { state throws(LogError) in
        for (partition, offset) in starts {
          let log = try state.partition(partition)
          positions[partition] =
            switch offset {
            case .beginning: log.start
            case .end: log.visibleEnd(readCommitted: configuration.readCommitted)
            case .at(let offset): offset
            }
          beginnings[partition] = positions[partition]
          toldEnds[partition] = nil
        }
        if let group = configuration.group, let member { state.groups[group]?.didAssign(member) }
      }
    }
  }

  public func unassign(_ partitions: [TopicPartition]) throws(LogError) {
    try process.perform(.unassign) { () throws(LogError) in
      forget(partitions)
      if let group = configuration.group, let member {
        brokers.withState { $0.groups[group]?.didUnassign(member, partitions) }
      }
    }
  }

  private func forget(_ partitions: [TopicPartition]) {
    for partition in partitions {
      positions[partition] = nil
      beginnings[partition] = nil
      toldEnds[partition] = nil
      endHints[partition] = nil
    }
  }

  public func rewind(_ offsets: [TopicPartition: Int64]) throws(LogError) {
    try process.checkAlive()
    for (partition, offset) in offsets where positions[partition] != nil {
      positions[partition] = offset
      toldEnds[partition] = nil
    }
  }

  // MARK: Asking

  public func offsets(of partition: TopicPartition) throws(LogError) -> Range<Int64> {
    let readCommitted = configuration.readCommitted
    return try process.perform(.ask) { () throws(LogError) in
      try brokers.withState { state throws(LogError) in
        let log = try state.partition(partition)
        return log.start..<max(log.start, log.visibleEnd(readCommitted: readCommitted))
      }
    }
  }

  public func offset(of partition: TopicPartition, at timestamp: Int64) throws(LogError) -> Int64? {
    let readCommitted = configuration.readCommitted
    return try process.perform(.ask) { () throws(LogError) in
      try brokers.withState { state throws(LogError) in
        let log = try state.partition(partition)
        return log.fetch(from: log.start, maxRecords: .max, readCommitted: readCommitted).records
          .first { $0.timestamp >= timestamp }?.offset
      }
    }
  }

  public func partitionCount(of topic: String) throws(LogError) -> Int32 {
    try process.checkAlive()
    guard let count = brokers.withState({ $0.topics[topic]?.count }) else {
      throw LogError(.unknownTopic, "there is no topic \(topic)", reaction: .stopDaemon)
    }
    return Int32(count)
  }

  public func endHint(of partition: TopicPartition) -> Int64? { endHints[partition] }

  public func clusterID() throws(LogError) -> String {
    try process.checkAlive()
    return brokers.withState { $0.clusterID }
  }

  public func groupMembers() throws(LogError) -> [String] {
    try process.checkAlive()
    guard let group = configuration.group else { return [] }
    return brokers.withState { $0.groups[group]?.memberNames ?? [] }
  }

  public func commits(of partitions: [TopicPartition]) throws(LogError)
    -> [TopicPartition: GroupOffset]
  {
    guard let group = configuration.group else { return [:] }
    return try process.perform(.ask) {
      brokers.withState { state in
        state.writeMarkers()
        var commits: [TopicPartition: GroupOffset] = [:]
        for partition in partitions {
          guard let offset = state.groups[group]?.committed[partition] else { continue }
          commits[partition] = GroupOffset(offset, state.groups[group]?.stamps[partition])
        }
        return commits
      }
    }
  }

  public func owners(of partitions: [TopicPartition]) throws(LogError)
    -> [TopicPartition: String]
  {
    guard let group = configuration.group else { return [:] }
    return try process.perform(.ask) {
      brokers.withState { state in
        guard state.fencesMembers else { return [:] }
        var owners: [TopicPartition: String] = [:]
        for partition in partitions {
          guard case .owned(let name)? = state.groups[group]?.stamps[partition] else { continue }
          owners[partition] = name
        }
        return owners
      }
    }
  }

  // MARK: The group

  private func nextRebalance() -> Rebalance? {
    guard configuration.isMember, let group = configuration.group else { return nil }
    let isMember = brokers.withState { state in
      member.map { state.groups[group]?.contains($0) == true } ?? false
    }
    if !isMember, member != nil, !positions.isEmpty {
      return .lost(positions.keys.sorted(by: TopicPartition.inOrder))
    }
    let process = self.process
    let configuration = self.configuration
    let known = isMember ? member : nil
    let (id, rebalance) = brokers.withState { state -> (Int, Rebalance?) in
      let counts = state.partitionCounts
      var membership = state.groups[group] ?? ConsumerGroup()
      defer { state.groups[group] = membership }
      let id =
        known
        ?? membership.join(
          process, topics: configuration.topics,
          instanceID: state.timeouts == nil ? nil : configuration.instanceID)
      return (
        id,
        membership.nextRebalance(
          of: id, partitionCounts: counts, expelsTheDead: state.timeouts == nil)
      )
    }
    member = id
    return rebalance
  }

  public func commit(_ offsets: [TopicPartition: Int64], wait: Bool) throws(LogError) {
    try process.perform(.commitOffsets) { () throws(LogError) in
      try brokers.withState { state throws(LogError) in
        try commit(offsets, in: &state)
      }
    }
  }

  public func disown(_ offsets: [TopicPartition: Int64]) throws(LogError) {
    try process.perform(.commitOffsets) { () throws(LogError) in
      try brokers.withState { state throws(LogError) in
        try commit(offsets, in: &state, isDisowning: true)
      }
    }
  }

  private func commit(
    _ offsets: [TopicPartition: Int64], in state: inout LogState, isDisowning: Bool = false
  ) throws(LogError) {
    guard var commit = groupCommit(offsets) else { return }
    if isDisowning { commit.stamp = configuration.instanceID.map { .released(by: $0) } }
    try state.check(commit)
    state.apply(commit)
  }

  /// What to report to the group; `nil` for nothing.
  func groupCommit(_ offsets: [TopicPartition: Int64]) -> GroupCommit? {
    guard let group = configuration.group, !offsets.isEmpty else { return nil }
    return GroupCommit(
      group: group, member: configuration.isMember ? member ?? 0 : nil,
      stamp: configuration.instanceID.map { .owned(by: $0) }, offsets: offsets)
  }

  public func close(leaving: Bool) {
    guard process.isAlive, let group = configuration.group, let member else { return }
    let staysAWhile = !leaving && configuration.instanceID != nil
    brokers.withState { state in
      if staysAWhile, state.timeouts != nil {
        state.groups[group]?.close(member, at: state.now)
      } else {
        state.groups[group]?.leave(member)
      }
    }
  }
}
