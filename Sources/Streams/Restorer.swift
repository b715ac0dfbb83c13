import EventLog
import StateStore

/// A partition's store at the end of its changelog.
struct RestoredStore<Store: StateStore> {
  var store: Store
  /// The input offset the state stands for; `nil` for an empty changelog.
  var inputOffset: Int64?
  /// The changes at the changelog's end that no position vouches for.
  var tail: WriteSet
}

/// Opens the stores of partitions and brings them up to the ends of their changelogs, all at once:
/// one consumer reads the partitions side by side, and chunks of what it reads are committed in the
/// background. The memory this takes depends neither on the changelogs' length nor on their number.
struct Restorer<Log: EventLog, Storage: StateStorage> {
  typealias Target = RestoreTarget<Storage.Store>

  let environment: StageEnvironment<Log, Storage>
  let changelog: String

  /// Bytes of changes that wait for their commit, of all partitions; as many again may be on their
  /// way into the stores.
  private static var waitingBytes: Int { 12 << 20 }
  /// The least a commit is worth.
  private static var leastChunkBytes: Int { 1 << 20 }
  /// Pages that the stores' transactions may hold, of all partitions.
  private static var changedPages: Int { 4_096 }
  /// The least a transaction is worth.
  private static var leastPages: Int { 256 }
  private static var queuedBytes: Int { 16 << 20 }

  /// Stores in the order of the partitions, from nothing where what is on disk can't be used.
  func open(_ partitions: [Int32]) throws(StageError) -> [RestoredStore<Storage.Store>] {
    // As in many a cooperative rebalance.
    guard !partitions.isEmpty else { return [] }
    var targets: [Target] = []
    for partition in partitions { targets.append(try makeTarget(partition)) }
    try restore(targets)
    var rebuilt: [Target] = []
    for number in targets.indices {
      guard let damage = targets[number].damage else { continue }
      let partition = targets[number].partition
      try destroy(partition, because: damage)
      targets[number] = try makeTarget(partition)
      rebuilt.append(targets[number])
    }
    if !rebuilt.isEmpty { try restore(rebuilt) }
    var restored: [RestoredStore<Storage.Store>] = []
    for target in targets {
      if let damage = target.damage { throw damage }
      let snapshot = try StageError.store { () throws(StoreError) in try target.store.snapshot() }
      restored.append(
        RestoredStore(
          store: target.store, inputOffset: try snapshot.inputOffset(), tail: target.lane.tail))
    }
    return restored
  }

  // MARK: Stores

  private func makeTarget(_ partition: Int32) throws(StageError) -> Target {
    let source = TopicPartition(changelog, partition)
    do throws(StageError) {
      return Target(source, try openStore(partition))
    } catch {
      guard error.reaction == .rebuildStore else {
        environment.emit(.storeRefused(partition: partition, error.reason))
        throw error
      }
      try destroy(partition, because: error)
      return Target(source, try openStore(partition))
    }
  }

  private func openStore(_ partition: Int32) throws(StageError) -> Storage.Store {
    try StageError.store { () throws(StoreError) in
      if let copy = environment.standby?.take(partition, pause: environment.pause) { return copy }
      let configuration = environment.configuration
      return try environment.storage.open(
        stage: configuration.name, partition: partition, tables: configuration.tables)
    }
  }

  private func destroy(_ partition: Int32, because error: StageError) throws(StageError) {
    environment.emit(.storeRebuilt(partition: partition, error.reason))
    try StageError.store { () throws(StoreError) in
      try environment.storage.destroy(stage: environment.configuration.name, partition: partition)
    }
  }

  // MARK: Restoring

  /// Brings stores up to the end. Those that must be rebuilt say so afterwards.
  private func restore(_ targets: [Target]) throws(StageError) {
    var progress = RestoreProgress(
      changelog, partitions: targets.count, at: environment.now(), emit: environment.emit)
    // Whoever gets an error may close or destroy the stores.
    defer { for target in targets { target.settle() } }
    try measure(targets)
    let lacking = targets.filter { !$0.lane.range.isEmpty && $0.damage == nil }
    if !lacking.isEmpty {
      let total = lacking.reduce(0) { $0 + Int64($1.lane.range.count) }
      progress.begin(total: total, at: environment.now())
      let reader = try makeReader(readCommitted: true)
      defer { reader.close() }
      try findTails(lacking.map(\.lane), reader) {
        progress.report(applied: 0, of: total, at: environment.now())
      }
      try apply(lacking, reader, &progress)
    }
    for target in targets where target.damage == nil {
      try target.minding { () throws(StoreError) in
        guard try target.store.isUnfinished() else { return }
        throw StoreError(
          "a commit to the store of \(environment.configuration.name) partition \(target.partition)"
            + " was cut short, and \(target.lane.changelog) does not hold its end", remedy: .rebuild
        )
      }
    }
    progress.finish(
      records: targets.reduce(0) { $0 + $1.lane.records }, at: environment.now())
  }

  private func makeReader(readCommitted: Bool) throws(StageError) -> Log.Consumer {
    try StageError.log { () throws(LogError) in
      try environment.log.makeConsumer(
        ConsumerConfiguration(
          topics: [changelog], group: nil,
          clientID: "\(environment.configuration.clientID)-restore",
          readCommitted: readCommitted, maxQueuedBytes: Self.queuedBytes,
          fetchWait: .milliseconds(5)))
    }
  }

  /// Finds out what each store lacks.
  ///
  /// The end is that of all records, committed or not. A restore that only reached the last stable
  /// offset would miss what was committed behind a transaction of somebody else that is still open,
  /// or whose markers are not written yet; so it reads on until that transaction is decided.
  private func measure(_ targets: [Target]) throws(StageError) {
    let reader = try makeReader(readCommitted: false)
    defer { reader.close() }
    for target in targets {
      let changelog = target.lane.changelog
      let whole = try StageError.log { () throws(LogError) in try reader.offsets(of: changelog) }
      try target.minding { () throws(StoreError) in
        let stored = try target.store.changelogOffset()
        if let stored, stored > whole.upperBound {
          throw StoreError(
            "changelog_beyond_log_end: the store of \(environment.configuration.name) partition"
              + " \(target.partition) stands at changelog offset \(stored), but \(changelog) ends at"
              + " \(whole.upperBound)", remedy: .rebuild)
        }
        target.lane.range = (stored ?? 0)..<whole.upperBound
      }
      guard target.lane.range.lowerBound >= whole.lowerBound else {
        let reason = Reason(.changelogBelowLogStart, incomplete(target, whole))
        environment.emit(.retentionGuard(changelog, reason))
        throw .failed(reason, .stopDaemon)
      }
    }
  }

  /// A changelog is compacted and begins at 0. If records were deleted from its beginning, what it
  /// holds is not the whole state, and nothing here could tell which part is missing.
  private func incomplete(_ target: Target, _ whole: Range<Int64>) -> String {
    "changelog_below_log_start: the store of \(environment.configuration.name) partition"
      + " \(target.partition) lacks changelog records from offset \(target.lane.range.lowerBound) on,"
      + " but \(target.lane.changelog) begins at \(whole.lowerBound): records were deleted from it."
      + " Restore a snapshot (projectionist state restore); or compute the state anew: stop every"
      + " instance, delete the changelog topic, run topics apply, and reset the group"
      + " \(environment.configuration.group) to the earliest offset with kafka-consumer-groups"
  }

  /// Finds the last position of each changelog, and gathers what is behind it. Looks backwards in
  /// growing steps, since it is near the end; where every batch is a transaction, it is the end.
  ///
  /// - Parameter onPoll: called now and then.
  private func findTails(
    _ lanes: [RestoreLane], _ reader: Log.Consumer, onPoll: () -> Void
  ) throws(StageError) {
    var searched = lanes
    var window: Int64 = 1_000
    while !searched.isEmpty {
      for lane in searched {
        lane.tail.removeAll()
        lane.begin(
          max(lane.range.lowerBound, lane.range.upperBound - window)..<lane.range.upperBound)
      }
      try scan(searched, reader) { lane, record in
        if record.isPosition {
          lane.lastPosition = record.offset + 1
          lane.tail.removeAll()
        } else {
          lane.tail.addChange(record)
        }
      } after: { () throws(StageError) in
        onPoll()
      }
      searched.removeAll { $0.lastPosition != nil || $0.range.count <= window }
      window *= 10
    }
  }

  private func apply(
    _ targets: [Target], _ reader: Log.Consumer, _ progress: inout RestoreProgress
  ) throws(StageError) {
    let lanes = targets.map(\.lane)
    for lane in lanes { lane.begin(lane.range.lowerBound..<lane.endOfState) }
    let total = lanes.reduce(0) { $0 + $1.end - $1.range.lowerBound }
    let pages = max(Self.leastPages, Self.changedPages / targets.count)
    let chunkBytes = max(Self.leastChunkBytes, Self.waitingBytes / targets.count)
    try scan(lanes, reader) { lane, record in
      lane.writes.addChange(record)
      lane.records += 1
    } after: { () throws(StageError) in
      for target in targets where !target.lane.writes.isEmpty {
        guard target.lane.isRead || target.lane.writes.memoryBytes >= chunkBytes else { continue }
        try target.commitChunk(pages: pages, environment.inBackground)
      }
      let applied = lanes.reduce(0) { $0 + $1.next - $1.range.lowerBound }
      progress.report(applied: applied, of: total, at: environment.now())
    }
    for target in targets { try target.finish() }
  }

  /// Reads each lane to its end: hands every visible record to `body`, and calls `after` now and
  /// then.
  private func scan(
    _ lanes: [RestoreLane], _ reader: Log.Consumer,
    _ body: (RestoreLane, borrowing RecordView) -> Void,
    after: () throws(StageError) -> Void
  ) throws(StageError) {
    var unread = lanes.filter { !$0.isRead }
    let byPartition = Self.byPartition(unread)
    try StageError.log { () throws(LogError) in
      try reader.assign(unread.map { ($0.changelog, .at($0.next)) })
    }
    while !unread.isEmpty {
      guard !environment.stop.isStopped else { throw .stopped }
      let result = try StageError.log { () throws(LogError) in
        try reader.poll(maxRecords: 10_000, timeout: .milliseconds(100)) { record in
          if let lane = byPartition[Int(record.partition)], lane.passes(record.offset) {
            body(lane, record)
          }
          return true
        }
      }
      for lane in unread {
        if let end = result.ends[lane.changelog] { lane.reach(end) }
      }
      try after()
      let read = unread.filter(\.isRead)
      guard !read.isEmpty else { continue }
      unread.removeAll(where: \.isRead)
      try StageError.log { () throws(LogError) in try reader.unassign(read.map(\.changelog)) }
    }
  }

  private static func byPartition(_ lanes: [RestoreLane]) -> [RestoreLane?] {
    var lanesByPartition: [RestoreLane?] = []
    for lane in lanes {
      let partition = Int(lane.changelog.partition)
      while lanesByPartition.count <= partition { lanesByPartition.append(nil) }
      lanesByPartition[partition] = lane
    }
    return lanesByPartition
  }
}
