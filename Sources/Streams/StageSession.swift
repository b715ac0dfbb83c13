import EventLog
import StateStore

/// One membership of a stage in its consumer group: from joining until it leaves, is fenced, or
/// fails. Runs on the stage's thread.
final class StageSession<
  Log: EventLog, Storage: StateStorage, Operator: StageOperator & ~Copyable
>
where Operator.Store == Storage.Store, Operator.Producer == Log.Producer {
  typealias Task = PartitionTask<Storage.Store, Log.Producer>
  typealias Owned = OwnedPartition<Task, Operator.Working>

  let environment: StageEnvironment<Log, Storage>
  let configuration: StageConfiguration
  let consumer: Log.Consumer
  let producer: Log.Producer?
  let steps: [CommitStep]
  var stageOperator: Operator

  var owned: [Owned] = []
  /// Index in `owned` by input topic and partition; -1 where the partition is not ours.
  var ownedNumbers: [[Int]]
  /// Partitions whose stores are being opened, and are not yet those of tasks.
  var opening: [TopicPartition] = []

  var isBatchOpen = false
  var batchRecords = 0
  var batchBytes = 0
  var batchOpened: ContinuousClock.Instant
  /// Whether a batch of a backlog has left memory behind.
  private var owesMemory = false
  var arrivals: ArrivalMeter
  var redeliveries = 0
  /// Offsets of finished batches that the group has not been told yet, and when it was last.
  var untoldOffsets: [TopicPartition: Int64] = [:]
  var offsetsTold: ContinuousClock.Instant
  var followedVersion = -1
  /// Where the stage stands by its last event.
  var toldPositions: [TopicPartition: PartitionPosition] = [:]
  private(set) var hasCommitted = false

  init(_ environment: StageEnvironment<Log, Storage>, operator stageOperator: consuming Operator)
    throws(StageError)
  {
    self.environment = environment
    self.stageOperator = stageOperator
    let configuration = environment.configuration
    self.configuration = configuration
    batchOpened = environment.now()
    arrivals = ArrivalMeter(configuration.limits, now: batchOpened)
    offsetsTold = batchOpened - Self.positionInterval
    ownedNumbers = Array(repeating: [], count: configuration.inputs.count)
    let topics = configuration.producedTopics
    steps =
      environment.commitSteps
      ?? CommitStep.steps(configuration.guarantee, produces: !topics.isEmpty)
    // The producer comes first: making it settles what a predecessor of the same name left open,
    // and only then do the consumer's committed offsets and the changelog's end stand still.
    producer =
      topics.isEmpty
      ? nil
      : try StageError.log { () throws(LogError) in
        try environment.log.makeProducer(
          ProducerConfiguration(
            topics: topics,
            delivery: configuration.guarantee == .exactlyOnce
              ? .transactional(id: configuration.transactionalID) : .idempotent,
            clientID: configuration.clientID))
      }
    consumer = try StageError.log { () throws(LogError) in
      try environment.log.makeConsumer(
        ConsumerConfiguration(
          topics: configuration.inputs, group: configuration.group,
          isMember: configuration.followed == nil, instanceID: configuration.instanceID,
          clientID: configuration.clientID,
          fetchWait: configuration.gathering ?? .milliseconds(500),
          minFetchBytes: configuration.gathering == nil ? 1 : 1 << 16))
    }
    environment.emit(.joining(group: configuration.group))
  }

  var tasks: [Task] { owned.map(\.task) }

  func close() {
    forgetPartitions()
    environment.standby?.giveBackAll(by: configuration.instanceID)
    consumer.close(leaving: configuration.leavesOnStop && environment.stop.isStopped)
    producer?.close()
  }

  // MARK: The loop

  /// Runs until told to stop; then finishes the open batch and closes the stores.
  func run() throws(StageError) {
    while !environment.stop.isStopped {
      try iterate()
    }
    try commitBatch()
    try settlePositions(all: true)
    let open = tasks
    let offsets = committedOffsets(of: open.map(\.source))
    forgetPartitions()
    for task in open {
      try StageError.store { () throws(StoreError) in try task.store?.close() }
    }
    do throws(StageError) { try disown(offsets) } catch {
      environment.emit(.disownFailed(error.reason))
    }
  }

  /// Deletes the stores, so that the next session rebuilds them from their changelogs. Which of them
  /// holds the value that can't be read the error does not say, and none of them is served again.
  func destroyStores(because error: StageError) throws(StageError) {
    guard configuration.changelog != nil else { return }
    let partitions = Set(tasks.map(\.partition) + opening.map(\.partition)).sorted()
    forgetPartitions()
    for partition in partitions {
      environment.emit(.storeRebuilt(partition: partition, error.reason))
      try StageError.store { () throws(StoreError) in
        try environment.storage.destroy(stage: configuration.name, partition: partition)
      }
    }
  }

  private func forgetPartitions() {
    owned.removeAll()
    stageOperator.partitionsChanged([])
  }

  func iterate() throws(StageError) {
    var failure: StageError?
    let room = max(1, configuration.limits.records - batchRecords)
    let result = try StageError.log { () throws(LogError) in
      try consumer.pollRuns(maxRecords: min(room, 8192), timeout: pollTimeout) { run in
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
      if let followed = configuration.followed { try follow(followed) }
      if let rebalance = result.rebalance { return try answer(rebalance) }
      if isBatchOpen {
        let now = environment.now()
        arrivals.count(result.records, at: now)
        let closes = configuration.limits.closes(
          records: batchRecords, bytes: batchBytes, age: now - batchOpened,
          dry: result.records == 0 ? now - arrivals.lastArrival : nil,
          sinceFlood: now - arrivals.lastFlood, backlog: upstreamHasBacklog)
        if closes {
          try commitBatch()
        } else if configuration.guarantee == .atLeastOnce,
          batchRecords < configuration.limits.busyRecords
        {
          try publish()
        }
      } else if result.records == 0 {
        try settlePositions()
        try refreshIfWanted()
        tellPositions()
      }
    } catch {
      guard error.reaction == .abortBatch else { throw error }
      try abortBatch(because: error)
    }
  }

  var pollTimeout: Duration {
    guard isBatchOpen else { return Self.longestPoll }
    let now = environment.now()
    let patience = configuration.limits.patience(
      records: batchRecords, age: now - batchOpened, dry: now - arrivals.lastArrival,
      sinceFlood: now - arrivals.lastFlood, backlog: upstreamHasBacklog)
    return max(.zero, min(patience, Self.longestPoll))
  }

  /// `nil` where the stages before this one are in no process of ours.
  private var upstreamHasBacklog: Bool? {
    let upstream = environment.upstream
    if upstream.isEmpty { return nil }
    return upstream.contains { $0.lag >= configuration.limits.floodRecords }
  }

  /// How long a stage that has nothing to do may not see that it shall stop.
  static var longestPoll: Duration { .milliseconds(50) }

  func take(_ run: borrowing RecordRun) throws(StageError) {
    let numbers = ownedNumbers[run.topic]
    let number = Int(run.partition) < numbers.count ? numbers[Int(run.partition)] : -1
    // Fetched before the partition was given up; its next owner reads it again.
    guard number >= 0 else { return }
    let partition = owned[number]
    let task = partition.task
    let first = run.index(ofOffset: task.nextOffset)
    redeliveries += first
    guard first < run.count else { return }
    if !isBatchOpen { try openBatch() }
    let records = run.extracting(first..<run.count)
    try stageOperator.process(records, &partition.working, task)
    task.isTouched = true
    task.nextOffset = records.lastOffset + 1
    batchRecords += records.count
    batchBytes += records.byteCount
  }

  func refreshIfWanted() throws(StageError) {
    guard !owned.isEmpty, try stageOperator.wantsRefresh() else { return }
    try openBatch()
    for partition in owned {
      try stageOperator.refresh(&partition.working, partition.task)
    }
    try commitBatch()
  }

  private func publish() throws(StageError) {
    for partition in owned where partition.task.isTouched {
      try stageOperator.publish(&partition.working, partition.task)
    }
  }

  // MARK: Batches

  func openBatch() throws(StageError) {
    if let producer, configuration.guarantee == .exactlyOnce {
      try StageError.log { () throws(LogError) in try producer.beginTransaction() }
    }
    isBatchOpen = true
    batchOpened = environment.now()
    chooseWhoSendsPositions()
    try stageOperator.beginBatch()
  }

  func commitBatch() throws(StageError) {
    guard isBatchOpen else { return }
    try commitBatch(by: steps)
  }

  func commitBatch(by steps: [CommitStep]) throws(StageError) {
    let began = environment.now()
    var times: [BatchSummary.StepTime] = []
    var reached = began
    for step in steps {
      try perform(step)
      let now = environment.now()
      times.append(BatchSummary.StepTime(step, now - reached))
      reached = now
    }
    for task in tasks where task.isTouched { task.settle() }
    let records = batchRecords
    toldPositions = positions
    let summary = BatchSummary(
      records: records, bytes: batchBytes, redeliveries: redeliveries, open: began - batchOpened,
      steps: times, positions: toldPositions)
    redeliveries = 0
    hasCommitted = true
    endBatch()
    if records >= configuration.limits.floodRecords {
      owesMemory = true
    } else if owesMemory, records < configuration.limits.busyRecords {
      owesMemory = false
      environment.releaseMemory()
    }
    environment.emit(.batchCommitted(summary))
  }

  func perform(_ step: CommitStep) throws(StageError) {
    switch step {
    case .closeBatch:
      for partition in owned where partition.task.isTouched {
        try stageOperator.closeBatch(&partition.working, partition.task)
      }
    case .flushEffects:
      try retrying { () throws(StageError) in try self.stageOperator.flush() }
    case .sendPositions:
      let now = environment.now()
      for task in tasks where task.isTouched { try task.putPosition(at: now) }
    case .awaitDelivery:
      try retrying { () throws(StageError) in
        try StageError.log { () throws(LogError) in
          try self.producer?.flush(timeout: .seconds(5))
        }
      }
    case .commitTransaction:
      let offsets = touchedOffsets()
      try retrying { () throws(StageError) in
        try StageError.log { () throws(LogError) in
          try self.producer?.commitTransaction(
            offsets: offsets, of: self.consumer, timeout: .seconds(5))
        }
      }
    case .commitStores:
      // The log has the batch: with a full disk it waits for room, and is not read again.
      try retrying { () throws(StageError) in
        for task in self.tasks where task.isTouched { try task.commitStore() }
      }
    case .commitOffsets:
      untoldOffsets.merge(touchedOffsets()) { $1 }
      try tellOffsets()
    }
    environment.crashPoint(step)
  }

  /// Those of a refresh have not moved; they are committed again, because the group's metadata that
  /// goes with them is what fences a member the group has moved on from.
  func touchedOffsets() -> [TopicPartition: Int64] {
    var offsets: [TopicPartition: Int64] = [:]
    for task in tasks where task.isTouched {
      offsets[task.source] = task.nextOffset
    }
    return offsets
  }

  func abortBatch(because error: StageError) throws(StageError) {
    if configuration.guarantee == .atLeastOnce, configuration.changelog != nil {
      // What was sent can't be taken out of the changelog any more; the next restore writes over it.
      throw .failed(error.reason, .abandonPartition)
    }
    environment.emit(.batchAborted(error.reason))
    if let producer, configuration.guarantee == .exactlyOnce {
      try retrying { () throws(StageError) in
        try StageError.log { () throws(LogError) in
          try producer.abortTransaction(timeout: .seconds(5))
        }
      }
    }
    var offsets: [TopicPartition: Int64] = [:]
    for partition in owned {
      let task = partition.task
      offsets[task.source] = task.committedOffset
      task.rollBack()
      partition.working = try stageOperator.makeWorking(task)
    }
    endBatch()
    try StageError.log { () throws(LogError) in try consumer.rewind(offsets) }
  }

  func endBatch() {
    isBatchOpen = false
    batchRecords = 0
    batchBytes = 0
  }

  /// Calls again and again while the error says to, saying so once.
  func retrying(_ body: () throws(StageError) -> Void) throws(StageError) {
    var isWaiting = false
    while true {
      do throws(StageError) {
        try body()
        if isWaiting { environment.emit(.resumed) }
        return
      } catch {
        guard error.reaction == .retry else { throw error }
        guard !environment.stop.isStopped else { throw .stopped }
        if !isWaiting {
          isWaiting = true
          environment.emit(.waiting(error.reason))
        }
        environment.pause(.milliseconds(100))
      }
    }
  }
}
