import EventLog
import StateStore

/// One membership of a stage in its consumer group: from joining until it leaves, is fenced, or
/// fails. Runs on the stage's thread.
///
/// It only sequences calls. `OpenBatch` decides when a batch closes, `Assignment` which partitions
/// run, `PositionLedger` which positions are due, `Takeover` whose transactions to abort, and
/// `DeliveryStrategy` what the guarantee requires.
final class StageSession<
  Log: EventLog, Storage: StateStorage, Operator: StageOperator & ~Copyable
>
where Operator.Store == Storage.Store, Operator.Producer == Log.Producer {
  typealias Task = PartitionTask<Storage.Store, Log.Producer>
  typealias Owned = OwnedPartition<Task, Operator.State>

  let environment: StageEnvironment<Log, Storage>
  let configuration: StageConfiguration
  let strategy: any DeliveryStrategy
  let takeover: Takeover?
  let consumer: Log.Consumer
  let producer: Log.Producer?
  let steps: [CommitStep]
  var stageOperator: Operator

  var assignment: Assignment
  /// The partitions that run, by their slots in the assignment.
  var owned: [Owned] = []

  var batch: OpenBatch
  var ledger: PositionLedger
  var idleEnds = IdleEnds()
  /// Version of the followed stage's partitions that this session has answered.
  var followedVersion = -1
  var hasCommitted = false
  /// Whether it leaves its group in order to join again.
  private var isRejoining = false

  /// Records handed over in one poll: a larger batch looks at its limits and the group in between.
  private static var recordsPerPoll: Int { 8192 }

  /// - Parameter cap: on its batches, by the session before.
  init(
    _ environment: StageEnvironment<Log, Storage>, operator stageOperator: consuming Operator,
    cap: BatchCap
  ) throws(StageError) {
    self.environment = environment
    self.stageOperator = stageOperator
    let configuration = environment.configuration
    self.configuration = configuration
    let strategy = configuration.guarantee.strategy
    self.strategy = strategy
    takeover = Takeover(configuration, strategy)
    assignment = Assignment(inputs: configuration.inputs.count)
    batch = OpenBatch(
      configuration.limits, cap: cap, inputs: configuration.inputs, at: environment.now())
    ledger = PositionLedger(at: environment.now())
    let producing = configuration.producer(strategy)
    steps = environment.commitSteps ?? strategy.steps(produces: producing != nil)
    // The producer comes first: making it settles what a predecessor of the same name left open,
    // and only then do the consumer's committed offsets and the changelog's end stand still.
    producer =
      if let producing {
        try StageError.log { () throws(LogError) in try environment.log.makeProducer(producing) }
      } else { nil }
    consumer = try StageError.log { () throws(LogError) in
      try environment.log.makeConsumer(configuration.consumer)
    }
    // What was asked for before is done with this.
    _ = environment.rejoin?.take()
    environment.emit(.joining(group: configuration.group))
  }

  var tasks: [Task] { owned.map(\.task) }

  // MARK: The loop

  /// Runs until it is stopped, or asked to join again; then finishes the open batch and closes the
  /// stores.
  func run() throws(StageError) {
    while !environment.stop.isStopped, !isRejoining {
      try iterate()
      isRejoining = environment.rejoin?.take() == true
    }
    try commitBatch()
    if environment.passesEndsAtStop { try passEnds() }
    try settlePositions(all: true)
    let open = tasks
    let offsets = ownOffsets(of: assignment.running)
    forgetTasks()
    for task in open {
      try StageError.store { () throws(StoreError) in try task.store?.close() }
    }
    do throws(StageError) { try disown(offsets) } catch {
      environment.emit(.disownFailed(error.reason))
    }
    guard isRejoining, !environment.stop.isStopped else { return }
    throw .failed(
      Reason(
        .partitionsUnread,
        "this instance is not in its group, or there are partitions that no member of it reads"),
      .abandonPartition)
  }

  private func iterate() throws(StageError) {
    var failure: StageError?
    let records = min(batch.room, Self.recordsPerPoll)
    let result = try StageError.log { () throws(LogError) in
      try consumer.pollRuns(maxRecords: records, timeout: pollTimeout) { run in
        do throws(StageError) {
          try take(run)
          return true
        } catch {
          failure = error
          return false
        }
      }
    }
    do throws(StageError) {
      if let failure { throw failure }
      idleEnds.reach(result.ends)
      if result.records > 0 { idleEnds.noteRecords() }
      if let followed = configuration.followed { try follow(followed) }
      if let rebalance = result.rebalance { return try answer(rebalance) }
      if isUpgrading { return try goOnUpgrading() }
      if batch.isOpen {
        try goOn(with: result.records)
      } else if result.records == 0 {
        try settlePositions()
        if idleEnds.isDue(at: environment.now()) { try passEnds() }
        try refreshIfWanted()
        showPositions()
      }
    } catch {
      guard error.reaction == .abortBatch else { throw error }
      try abortBatch(because: error)
    }
  }

  /// Closes the open batch if it must, after a poll that brought so many records.
  private func goOn(with records: Int) throws(StageError) {
    let now = environment.now()
    batch.arrived(records, at: now)
    if batch.closes(at: now, isDry: records == 0, backlog: upstreamHasBacklog) {
      try commitBatch()
    } else if strategy.publishesEarly, batch.isSmall {
      try publish()
    }
  }

  private var pollTimeout: Duration {
    if isUpgrading { return .zero }
    guard batch.isOpen else { return Self.longestPoll }
    let patience = batch.patience(at: environment.now(), backlog: upstreamHasBacklog)
    return max(.zero, min(patience, Self.longestPoll))
  }

  /// `nil` where some of the stages before this one run in another process.
  private var upstreamHasBacklog: Bool? {
    let upstream = environment.upstream
    if upstream.isEmpty { return nil }
    return upstream.contains { $0.lag >= configuration.limits.floodRecords }
  }

  /// The longest an idle stage takes to notice a stop.
  private static var longestPoll: Duration { .milliseconds(50) }

  // MARK: The end

  func close() {
    forgetTasks()
    let held = assignment.held
    assignment.remove(held)
    for partition in held {
      environment.standby?.giveBack(partition.partition, by: configuration.instanceID)
    }
    consumer.close(
      leaving: isRejoining || (configuration.leavesOnStop && environment.stop.isStopped))
    producer?.close()
  }

  /// Deletes the stores, so that the next session rebuilds them from their changelogs. The error
  /// doesn't say which of them holds the unreadable value, so none of them is served again.
  func destroyStores(because error: StageError) throws(StageError) {
    guard configuration.changelog != nil else { return }
    let partitions = (assignment.running + assignment.opening).map(\.partition)
    forgetTasks()
    for partition in Set(partitions).sorted() {
      environment.emit(.storeRebuilt(partition: partition, error.reason))
      try StageError.store { () throws(StoreError) in
        try environment.storage.destroy(stage: configuration.name, partition: partition)
      }
    }
  }

  /// Drops every reference to a store.
  private func forgetTasks() {
    assignment.release(assignment.running)
    owned.removeAll()
    stageOperator.partitionsChanged([])
  }
}
