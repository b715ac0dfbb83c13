public import EventLog
public import StateStore

/// Keeps copies of partitions that other instances own, by following their changelogs. An instance
/// that takes such a partition over has only the last moment to restore.
///
/// A copy applies a batch once it has read the position that the batch ends with, under both
/// guarantees, so it never holds what a restore would not have applied.
public struct StandbyLoop<Log: EventLog, Storage: StateStorage> {
  private let environment: StageEnvironment<Log, Storage>
  private let copies: StandbyCopies<Storage.Store>
  private let changelog: String
  private let placement: (_ partitionCount: Int32) throws(LogError) -> Set<Int32>?

  /// How often the placement is asked for.
  private static var placementInterval: Duration { .seconds(2) }
  /// How long, and how many records of it, a copy may lack what was read for it.
  private static var commitInterval: Duration { .milliseconds(500) }
  private static var chunkRecords: Int { 100_000 }
  private static var longestPoll: Duration { .milliseconds(100) }

  /// - Parameters:
  ///   - environment: the stage's, which must have a changelog.
  ///   - placement: of so many partitions those to keep copies of, as the group stands now; `nil`
  ///     while it is not known. Those the stage owns itself may be among them.
  public init(
    _ environment: StageEnvironment<Log, Storage>, copies: StandbyCopies<Storage.Store>,
    placement: @escaping (_ partitionCount: Int32) throws(LogError) -> Set<Int32>?
  ) {
    guard let changelog = environment.configuration.changelog else {
      preconditionFailure("a stage without state has nothing to copy")
    }
    var environment = environment
    environment.role = .standby
    // Opening a copy must not take it from this follower.
    environment.standby = nil
    self.environment = environment
    self.copies = copies
    self.changelog = changelog
    self.placement = placement
  }

  /// Runs on the calling thread until it is stopped. The pipeline does not depend on copies, so a
  /// failure is reported and the work tried again. The same failure is reported once, until a
  /// `placementInterval` passes without any.
  public func run() {
    var reported: Set<StageError> = []
    while !environment.stop.isStopped {
      do throws(StageError) {
        try follow { reported.removeAll() }
      } catch {
        if error != .stopped, reported.insert(error).inserted {
          environment.emit(.standbyFailed(error.reason))
        }
        environment.pause(.seconds(1))
      }
    }
  }

  /// - Parameter hasGoneWell: called each time a `placementInterval` has passed without a failure.
  private func follow(hasGoneWell: () -> Void) throws(StageError) {
    var reader = try makeReader()
    let present = try StageError.log { () throws(LogError) in
      try reader.consumer.partitionCount(of: changelog)
    }
    let used = environment.configuration.inputCounts.first ?? nil
    let count = min(present, used ?? present)
    var followed: [StandbyCopy] = []
    defer { for copy in followed { release(copy.partition) } }
    var placed: ContinuousClock.Instant?
    var wanted: Set<Int32> = []
    while !environment.stop.isStopped {
      let now = environment.now()
      if placed.map({ now - $0 >= Self.placementInterval }) ?? true {
        wanted = try StageError.log { () throws(LogError) in try placement(count) } ?? wanted
        if placed != nil { hasGoneWell() }
        placed = now
      }
      let plan = StandbyPlan(
        wanted: wanted, owned: copies.owned, followed: Set(followed.map(\.partition)),
        kept: copies.kept)
      if !plan.isEmpty { try carryOut(plan, &followed, &reader) }
      try read(&followed, &reader)
      try commitDue(&followed)
    }
  }

  private func makeReader() throws(StageError) -> PartitionReader<Log.Consumer> {
    do throws(LogError) {
      return try PartitionReader(
        environment.log,
        ConsumerConfiguration(
          topics: [changelog], group: nil,
          clientID: "\(environment.configuration.clientID)-standby"))
    } catch { throw .log(error) }
  }

  // MARK: Which

  private func carryOut(
    _ plan: StandbyPlan, _ followed: inout [StandbyCopy],
    _ reader: inout PartitionReader<Log.Consumer>
  ) throws(StageError) {
    for partition in plan.release {
      followed.removeAll { $0.partition == partition }
      release(partition)
    }
    for partition in plan.open {
      guard let copy = try open(partition, reader.consumer) else { continue }
      followed.append(copy)
    }
    var cursors: [PartitionCursor] = []
    for index in followed.indices { cursors.append(followed[index].begin()) }
    do throws(LogError) { try reader.begin(cursors) } catch { throw .log(error) }
  }

  /// Brings a copy up to the changelog's end, as the stage itself would.
  ///
  /// - Returns: `nil` when the stage has just taken the partition.
  private func open(_ partition: Int32, _ consumer: Log.Consumer)
    throws(StageError) -> StandbyCopy?
  {
    let source = TopicPartition(changelog, partition)
    let opened = try copies.holding(partition) {
      (kept: inout Storage.Store?) throws(StageError) -> StandbyCopy? in
      let restorer = Restorer(environment: environment, changelog: changelog)
      guard let restored = try restorer.open([partition]).first else { return nil }
      let store = restored.store
      let stored = try StageError.store { () throws(StoreError) in try store.changelogOffset() }
      let held = try StageError.log { () throws(LogError) in try consumer.offsets(of: source) }
      kept = store
      environment.emit(.standbyOpened(changelog: source))
      return StandbyCopy(
        source, nextOffset: stored ?? held.lowerBound, origin: restored.origin,
        now: environment.now())
    }
    return opened ?? nil
  }

  private func release(_ partition: Int32) {
    // Dropped, not closed: its next owner would wait for the sync.
    copies.holding(partition) { $0 = nil }
  }

  // MARK: Following

  private func read(
    _ followed: inout [StandbyCopy], _ reader: inout PartitionReader<Log.Consumer>
  ) throws(StageError) {
    guard !followed.isEmpty else { return environment.pause(Self.longestPoll) }
    do throws(LogError) {
      try reader.poll(timeout: Self.longestPoll) { number, record in
        followed[number].take(record)
        return true
      }
    } catch { throw .log(error) }
  }

  private func commitDue(_ followed: inout [StandbyCopy]) throws(StageError) {
    let now = environment.now()
    for index in followed.indices {
      guard followed[index].isDue(now, after: Self.commitInterval, records: Self.chunkRecords)
      else { continue }
      try copies.holding(followed[index].partition) {
        (store: inout Storage.Store?) throws(StageError) in
        // The stage has taken it meanwhile and given it back.
        guard let store else { return }
        try StageError.store { () throws(StoreError) in
          try followed[index].commit(to: store, at: now)
        }
      }
    }
  }
}
