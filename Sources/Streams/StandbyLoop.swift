public import EventLog
public import StateStore

/// Keeps copies of partitions that other instances own, by following their changelogs: whoever takes
/// such a partition over has nothing to restore but the last moment.
///
/// A copy takes a batch when it has read the position the batch ends with, under both guarantees: so
/// it never holds what a restore would not have applied.
public struct StandbyLoop<Log: EventLog, Storage: StateStorage> {
  private let environment: StageEnvironment<Log, Storage>
  private let copies: StandbyCopies<Storage.Store>
  private let changelog: String
  private let placement: (_ partitionCount: Int32) throws(LogError) -> Set<Int32>?

  /// How often the placement is asked for again.
  private static var placementInterval: Duration { .seconds(2) }
  /// How long a copy may lack what it has read.
  private static var commitInterval: Duration { .milliseconds(500) }
  private static var chunkRecords: Int { 100_000 }
  private static var longestPoll: Duration { .milliseconds(100) }

  /// - Parameters:
  ///   - environment: the stage's, which must have a changelog.
  ///   - placement: of so many partitions those to keep copies of, as the group stands now; `nil` while
  ///     it is not known. Those the stage owns itself may be among them.
  public init(
    _ environment: StageEnvironment<Log, Storage>, copies: StandbyCopies<Storage.Store>,
    placement: @escaping (_ partitionCount: Int32) throws(LogError) -> Set<Int32>?
  ) {
    guard let changelog = environment.configuration.changelog else {
      preconditionFailure("a stage without state has nothing to copy")
    }
    var environment = environment
    // What the follower opens it does not take from itself.
    environment.standby = nil
    environment.role = .standby
    self.environment = environment
    self.copies = copies
    self.changelog = changelog
    self.placement = placement
  }

  /// Runs on the calling thread until told to stop. What goes wrong with a copy is told, once until
  /// it has gone well for a while, and tried again: the pipeline does not depend on it.
  public func run() {
    var told: Set<StageError> = []
    while !environment.stop.isStopped {
      do throws(StageError) {
        try follow { told.removeAll() }
      } catch {
        if error != .stopped, told.insert(error).inserted {
          environment.emit(.standbyFailed(error.reason))
        }
        environment.pause(.seconds(1))
      }
    }
  }

  /// - Parameter hasGoneWell: called each time a `placementInterval` has passed without a failure.
  private func follow(hasGoneWell: () -> Void) throws(StageError) {
    let configuration = environment.configuration
    let reader = try StageError.log { () throws(LogError) in
      try environment.log.makeConsumer(
        ConsumerConfiguration(
          topics: [changelog], group: nil, clientID: "\(configuration.clientID)-standby"))
    }
    defer { reader.close() }
    let count = try StageError.log { () throws(LogError) in
      try reader.partitionCount(of: changelog)
    }
    var followed: [Int32: StandbyCopy] = [:]
    defer { for partition in followed.keys { release(partition) } }
    var placed: ContinuousClock.Instant?
    var wanted: Set<Int32> = []
    while !environment.stop.isStopped {
      let now = environment.now()
      if placed.map({ now - $0 >= Self.placementInterval }) ?? true {
        wanted = try StageError.log { () throws(LogError) in try placement(count) } ?? wanted
        if placed != nil { hasGoneWell() }
        placed = now
      }
      try adjust(&followed, to: wanted.subtracting(copies.owned), reader)
      try read(followed, reader)
      for copy in followed.values where copy.isDue(environment.now(), Self.commitInterval) {
        try commit(copy)
      }
    }
  }

  // MARK: Which

  private func adjust(
    _ followed: inout [Int32: StandbyCopy], to wanted: Set<Int32>, _ reader: Log.Consumer
  ) throws(StageError) {
    // What the stage has taken, and given back again, is opened anew.
    for partition in Set(followed.keys).subtracting(wanted.intersection(copies.kept)) {
      followed[partition] = nil
      release(partition)
      try StageError.log { () throws(LogError) in
        try reader.unassign([TopicPartition(changelog, partition)])
      }
    }
    for partition in wanted.sorted() where followed[partition] == nil {
      guard let copy = try open(partition, reader) else { continue }
      followed[partition] = copy
      try StageError.log { () throws(LogError) in
        try reader.assign([(copy.changelog, .at(copy.nextOffset))])
      }
    }
  }

  /// Brings a copy up to the changelog's end, as the stage itself would.
  ///
  /// - Returns: `nil` when the stage has just taken the partition.
  private func open(_ partition: Int32, _ reader: Log.Consumer)
    throws(StageError) -> StandbyCopy?
  {
    let source = TopicPartition(changelog, partition)
    let opened = try copies.holding(partition) {
      (kept: inout Storage.Store?) throws(StageError) -> StandbyCopy? in
      let restorer = Restorer(environment: environment, changelog: changelog)
      guard let store = try restorer.open([partition]).first?.store else { return nil }
      let stored = try StageError.store { () throws(StoreError) in try store.changelogOffset() }
      let range = try StageError.log { () throws(LogError) in try reader.offsets(of: source) }
      kept = store
      environment.emit(.standbyOpened(changelog: source))
      return StandbyCopy(
        partition: partition, changelog: source, nextOffset: stored ?? range.lowerBound,
        now: environment.now())
    }
    return opened ?? nil
  }

  private func release(_ partition: Int32) {
    // Dropped, not closed: syncing it would make its next owner wait.
    copies.holding(partition) { $0 = nil }
  }

  // MARK: Following

  private func read(_ followed: [Int32: StandbyCopy], _ reader: Log.Consumer)
    throws(StageError)
  {
    guard !followed.isEmpty else { return environment.pause(Self.longestPoll) }
    _ = try StageError.log { () throws(LogError) in
      try reader.poll(maxRecords: 10_000, timeout: Self.longestPoll) { record in
        followed[record.partition]?.take(record)
        return true
      }
    }
    for copy in followed.values where copy.readyCount >= Self.chunkRecords { try commit(copy) }
  }

  private func commit(_ copy: StandbyCopy) throws(StageError) {
    try copies.holding(copy.partition) { (store: inout Storage.Store?) throws(StageError) in
      // The stage has had it meanwhile.
      guard let store else { return }
      try StageError.store { () throws(StoreError) in
        try copy.commit(to: store, at: environment.now())
      }
    }
  }
}

/// One partition's copy, and what was read for it since its last commit.
private final class StandbyCopy {
  let partition: Int32
  let changelog: TopicPartition
  private(set) var nextOffset: Int64
  /// Up to the last position read, and beyond it.
  private var ready = WriteSet()
  private var tail = WriteSet()
  private var committed: ContinuousClock.Instant

  init(
    partition: Int32, changelog: TopicPartition, nextOffset: Int64, now: ContinuousClock.Instant
  ) {
    self.partition = partition
    self.changelog = changelog
    self.nextOffset = nextOffset
    committed = now
  }

  var readyCount: Int { ready.count }

  func isDue(_ now: ContinuousClock.Instant, _ interval: Duration) -> Bool {
    !ready.isEmpty && now - committed >= interval
  }

  func take(_ record: borrowing RecordView) {
    guard record.offset >= nextOffset else { return }
    tail.addChange(record)
    guard record.isPosition else { return }
    tail.forEach { ready.set($0, $1, $2) }
    tail.removeAll()
    nextOffset = record.offset + 1
  }

  func commit(to store: some StateStore, at now: ContinuousClock.Instant) throws(StoreError) {
    try store.commitInParts(&ready, changelogOffset: nextOffset)
    ready.removeAll()
    committed = now
  }
}
