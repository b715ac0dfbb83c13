import EventLog
import Logging
import StateStore

/// One membership of a stage in its consumer group: from joining until it leaves, is fenced, or
/// fails. Runs on the stage's thread.
final class StageSession<
  Log: EventLog, Storage: StateStorage, Operator: StageOperator & ~Copyable
>
where Operator.Store == Storage.Store, Operator.Producer == Log.Producer {
  typealias Task = PartitionTask<Storage.Store, Log.Producer>

  private let environment: StageEnvironment<Log, Storage>
  private let configuration: StageConfiguration
  private let consumer: Log.Consumer
  private let producer: Log.Producer?
  private let steps: [CommitStep]
  private var stageOperator: Operator

  private var tasks: [Task] = []
  /// What the operator keeps of each task: beside the tasks, so that reaching one copies nothing.
  private var workings: [Operator.Working] = []
  /// Index of a partition's task, by input topic and partition; -1 where the partition is not ours.
  private var taskNumbers: [[Int]]

  private var isBatchOpen = false
  private var batchRecords = 0
  private var batchBytes = 0
  private var batchOpened: ContinuousClock.Instant
  private var arrivals: ArrivalMeter
  private var redeliveries = 0
  /// Offsets of finished batches that the group has not been told yet, and when it was last.
  private var untoldOffsets: [TopicPartition: Int64] = [:]
  private var offsetsTold: ContinuousClock.Instant
  private var followedVersion = -1

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
    taskNumbers = Array(repeating: [], count: configuration.inputs.count)
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
          clientID: configuration.clientID))
    }
    environment.monitor.update { $0.phase = .joining }
    environment.logger.info("joining the group", metadata: ["group": "\(configuration.group)"])
  }

  func close() {
    tasks.removeAll()
    workings.removeAll()
    stageOperator.partitionsChanged([])
    environment.standby?.giveBackAll()
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
    let owned = committedOffsets(of: tasks.map(\.source))
    let open = tasks
    tasks.removeAll()
    workings.removeAll()
    stageOperator.partitionsChanged([])
    for task in open {
      try StageError.store { () throws(StoreError) in try task.store?.close() }
    }
    do throws(StageError) { try disown(owned) } catch {
      // Whoever comes next ends transactions that are not there.
      environment.logger.info("partitions not disowned", metadata: ["reason": "\(error)"])
    }
  }

  /// Deletes the stores, so that the next session rebuilds them from their changelogs. Which of them
  /// holds the value that can't be read the error does not say, and none of them is served again.
  func destroyStores() throws(StageError) {
    let owned = tasks.filter { $0.store != nil }.map(\.partition)
    tasks.removeAll()
    workings.removeAll()
    stageOperator.partitionsChanged([])
    for partition in owned {
      try StageError.store { () throws(StoreError) in
        try environment.storage.destroy(stage: configuration.name, partition: partition)
      }
    }
  }

  private func iterate() throws(StageError) {
    var failure: StageError?
    let room = max(1, configuration.limits.records - batchRecords)
    let result = try StageError.log { () throws(LogError) in
      try consumer.poll(maxRecords: min(room, 8192), timeout: pollTimeout) { record in
        do throws(StageError) {
          try take(record)
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
          sinceFlood: now - arrivals.lastFlood)
        if closes { try commitBatch() }
      } else if result.records == 0 {
        try settlePositions()
        try refreshIfWanted()
        publishPositions()
      }
    } catch {
      guard error.reaction == .abortBatch else { throw error }
      try abortBatch(because: error)
    }
  }

  private var pollTimeout: Duration {
    guard isBatchOpen else { return Self.longestPoll }
    let now = environment.now()
    let patience = configuration.limits.patience(
      records: batchRecords, age: now - batchOpened, dry: now - arrivals.lastArrival,
      sinceFlood: now - arrivals.lastFlood)
    return min(patience, Self.longestPoll)
  }

  /// How long a stage that has nothing to do may not see that it shall stop.
  private static var longestPoll: Duration { .milliseconds(50) }

  private func take(_ record: borrowing RecordView) throws(StageError) {
    let numbers = taskNumbers[record.topic]
    let number = Int(record.partition) < numbers.count ? numbers[Int(record.partition)] : -1
    // Fetched before the partition was given up; its next owner reads it again.
    guard number >= 0 else { return }
    let task = tasks[number]
    guard record.offset >= task.nextOffset else {
      redeliveries += 1
      return
    }
    if !isBatchOpen { try openBatch() }
    try stageOperator.process(record, &workings[number], task)
    task.isTouched = true
    task.nextOffset = record.offset + 1
    batchRecords += 1
    batchBytes += (record.key?.byteCount ?? 0) + (record.value?.byteCount ?? 0)
  }

  private func refreshIfWanted() throws(StageError) {
    guard !tasks.isEmpty, try stageOperator.wantsRefresh() else { return }
    try openBatch()
    for number in tasks.indices {
      try stageOperator.refresh(&workings[number], tasks[number])
    }
    try commitBatch()
  }

  // MARK: Batches

  private func openBatch() throws(StageError) {
    if let producer, configuration.guarantee == .exactlyOnce {
      try StageError.log { () throws(LogError) in try producer.beginTransaction() }
    }
    isBatchOpen = true
    batchOpened = environment.now()
    chooseWhoSendsPositions()
    try stageOperator.beginBatch()
  }

  private func commitBatch() throws(StageError) {
    guard isBatchOpen else { return }
    try commitBatch(by: steps)
  }

  private func commitBatch(by steps: [CommitStep]) throws(StageError) {
    for step in steps {
      try perform(step)
    }
    for task in tasks where task.isTouched { task.settle() }
    let records = batchRecords
    endBatch()
    let redeliveries = Int64(self.redeliveries)
    environment.monitor.update {
      $0.records += Int64(records)
      $0.batches += 1
      $0.redeliveries = redeliveries
      $0.phase = .running
    }
    publishPositions()
  }

  private func perform(_ step: CommitStep) throws(StageError) {
    switch step {
    case .closeBatch:
      for number in tasks.indices where tasks[number].isTouched {
        try stageOperator.closeBatch(&workings[number], tasks[number])
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
      for task in tasks where task.isTouched { try task.commitStore() }
    case .commitOffsets:
      untoldOffsets.merge(touchedOffsets()) { $1 }
      try tellOffsets()
    }
    environment.crashPoint(step)
  }

  /// Those of a refresh have not moved; they are committed again, because the group's metadata that
  /// goes with them is what fences a member the group has moved on from.
  private func touchedOffsets() -> [TopicPartition: Int64] {
    var offsets: [TopicPartition: Int64] = [:]
    for task in tasks where task.isTouched {
      offsets[task.source] = task.nextOffset
    }
    return offsets
  }

  // MARK: Positions without transactions

  /// Without transactions the group's offsets and the changelog's positions are written ten times a
  /// second at the most. Each time costs the broker as much as a small batch does; what they save
  /// after a crash is outputs that may repeat anyway. The store has its position with each batch.
  private static var positionInterval: Duration { .milliseconds(100) }

  private func chooseWhoSendsPositions() {
    guard configuration.guarantee == .atLeastOnce else { return }
    let now = environment.now()
    for task in tasks { task.sendsPosition = isDue(task, now) }
  }

  private func isDue(_ task: Task, _ now: ContinuousClock.Instant) -> Bool {
    task.positionSent.map { now - $0 >= Self.positionInterval } ?? true
  }

  /// Sends what the batches before have left: what is due, or before the partitions go, all.
  private func settlePositions(all: Bool = false) throws(StageError) {
    let now = environment.now()
    let owing = tasks.filter { $0.owesPosition && (all || isDue($0, now)) }
    if !owing.isEmpty {
      for task in owing { try task.sendPosition(at: now) }
      try perform(.awaitDelivery)
    }
    try tellOffsets(all: all)
  }

  private func tellOffsets(all: Bool = false) throws(StageError) {
    let now = environment.now()
    guard !untoldOffsets.isEmpty, all || now - offsetsTold >= Self.positionInterval else { return }
    let offsets = untoldOffsets
    try StageError.log { () throws(LogError) in try consumer.commit(offsets, wait: false) }
    untoldOffsets.removeAll(keepingCapacity: true)
    offsetsTold = now
  }

  private func abortBatch(because error: StageError) throws(StageError) {
    if configuration.guarantee == .atLeastOnce, configuration.changelog != nil {
      // What was sent can't be taken out of the changelog any more; the next restore writes over it.
      throw .failed(error.description, .abandonPartition)
    }
    environment.logger.warning("batch aborted, reading it again", metadata: ["reason": "\(error)"])
    if let producer, configuration.guarantee == .exactlyOnce {
      try retrying { () throws(StageError) in
        try StageError.log { () throws(LogError) in
          try producer.abortTransaction(timeout: .seconds(5))
        }
      }
    }
    var offsets: [TopicPartition: Int64] = [:]
    for number in tasks.indices {
      let task = tasks[number]
      offsets[task.source] = task.committedOffset
      task.rollBack()
      workings[number] = try stageOperator.makeWorking(task)
    }
    endBatch()
    environment.monitor.update { $0.abortedBatches += 1 }
    try StageError.log { () throws(LogError) in try consumer.rewind(offsets) }
  }

  private func endBatch() {
    isBatchOpen = false
    batchRecords = 0
    batchBytes = 0
  }

  /// Calls again and again while the error says to, saying so once.
  private func retrying(_ body: () throws(StageError) -> Void) throws(StageError) {
    var isWaiting = false
    while true {
      do throws(StageError) {
        try body()
        if isWaiting {
          environment.logger.notice("going on")
          environment.monitor.update { $0.phase = .running }
        }
        return
      } catch {
        guard error.reaction == .retry else { throw error }
        guard !environment.stop.isStopped else { throw .stopped }
        if !isWaiting {
          isWaiting = true
          environment.logger.warning("waiting", metadata: ["reason": "\(error)"])
          environment.monitor.update { $0.phase = .waiting(error.description) }
        }
        environment.pause(.milliseconds(100))
      }
    }
  }

  // MARK: Assignment

  private func answer(_ rebalance: Rebalance) throws(StageError) {
    switch rebalance {
    case .assigned(let partitions):
      try commitBatch()
      environment.logger.info("assigned", metadata: ["partitions": "\(partitions.count)"])
      try fencePredecessors(on: partitions)
      let opened = try openTasks(partitions)
      for (task, _) in opened { insert(task, try stageOperator.makeWorking(task)) }
      stageOperator.partitionsChanged(tasks)
      try claim(partitions)
      try StageError.log { () throws(LogError) in
        try consumer.assign(opened.map { ($0.task.source, .at($0.task.nextOffset)) })
      }
      try takeBack(opened)
      environment.monitor.update { $0.phase = .running }
      environment.logger.info("processing", metadata: ["partitions": "\(tasks.count)"])
    case .revoked(let partitions):
      try commitBatch()
      try settlePositions(all: true)
      try disown(committedOffsets(of: partitions))
      try release(partitions)
    case .lost(let partitions):
      endBatch()
      untoldOffsets.removeAll()
      try release(partitions)
      // What the open transaction holds was read under a membership that has ended.
      throw .failed("the group has given \(partitions.count) partitions away", .abandonPartition)
    }
    publishPositions()
  }

  // MARK: Taking over

  /// Whether a dead member of the group may have left a transaction open, which would hold up
  /// whoever reads its partitions until the broker's timeout for transactions ends it.
  private var leavesTransactions: Bool {
    configuration.guarantee == .exactlyOnce && producer != nil && configuration.followed == nil
  }

  /// Ends the transactions of members that have not given these partitions up in good order: they
  /// are dead, or stand still and shall find out when they go on.
  private func fencePredecessors(on partitions: [TopicPartition]) throws(StageError) {
    guard leavesTransactions else { return }
    try retrying { () throws(StageError) in
      let owners = try StageError.log { () throws(LogError) in
        try self.consumer.owners(of: partitions)
      }
      for owner in Set(owners.values).sorted() where self.isPredecessor(owner) {
        self.environment.logger.notice(
          "ending what an instance that is gone has left open", metadata: ["instance": "\(owner)"])
        try StageError.log { () throws(LogError) in
          try self.environment.log.fence(transactionalID: owner)
        }
      }
    }
  }

  /// Offsets may bear other metadata, when somebody has set them by hand.
  private func isPredecessor(_ owner: String) -> Bool {
    owner != configuration.instanceID && owner.hasPrefix("\(configuration.group)-")
  }

  /// Puts this instance's name to partitions before its first transaction on them.
  private func claim(_ partitions: [TopicPartition]) throws(StageError) {
    guard leavesTransactions else { return }
    let offsets = committedOffsets(of: partitions)
    try retrying { () throws(StageError) in
      try StageError.log { () throws(LogError) in try self.consumer.commit(offsets, wait: true) }
    }
  }

  /// Takes this instance's name off partitions on which it has nothing open.
  private func disown(_ offsets: [TopicPartition: Int64]) throws(StageError) {
    guard leavesTransactions else { return }
    try StageError.log { () throws(LogError) in try consumer.disown(offsets) }
  }

  private func committedOffsets(of partitions: [TopicPartition]) -> [TopicPartition: Int64] {
    var offsets: [TopicPartition: Int64] = [:]
    for task in tasks where partitions.contains(task.source) {
      offsets[task.source] = task.committedOffset
    }
    return offsets
  }

  /// Takes the change of another stage's assignment as its own.
  private func follow(_ feed: any PartitionFeed) throws(StageError) {
    let version = feed.version
    guard version != followedVersion else { return }
    followedVersion = version
    let wanted = feed.partitions.map { TopicPartition(configuration.inputs[0], $0) }
    let owned = tasks.map(\.source)
    let gone = owned.filter { !wanted.contains($0) }
    let new = wanted.filter { !owned.contains($0) }
    if !gone.isEmpty { try answer(.revoked(gone)) }
    if !new.isEmpty { try answer(.assigned(new)) }
  }

  private func insert(_ task: Task, _ working: Operator.Working) {
    let partition = Int(task.partition)
    while taskNumbers[task.topic].count <= partition { taskNumbers[task.topic].append(-1) }
    taskNumbers[task.topic][partition] = tasks.count
    tasks.append(task)
    workings.append(working)
  }

  private func release(_ partitions: [TopicPartition]) throws(StageError) {
    let all = zip(tasks, workings)
    let gone = tasks.filter { partitions.contains($0.source) }
    tasks = []
    workings = []
    taskNumbers = Array(repeating: [], count: configuration.inputs.count)
    for (task, working) in all where !partitions.contains(task.source) { insert(task, working) }
    stageOperator.partitionsChanged(tasks)
    for task in gone {
      try StageError.store { () throws(StoreError) in try task.store?.close() }
      environment.standby?.giveBack(task.partition)
    }
    try StageError.log { () throws(LogError) in try consumer.unassign(partitions) }
  }

  /// Tasks of partitions, each with the changes that no position vouches for.
  private func openTasks(_ sources: [TopicPartition])
    throws(StageError) -> [(task: Task, tail: WriteSet)]
  {
    var restored: [RestoredStore<Storage.Store>] = []
    if let changelog = configuration.changelog {
      restored = try Restorer(environment: environment, changelog: changelog)
        .open(sources.map(\.partition))
    }
    var opened: [(task: Task, tail: WriteSet)] = []
    for (number, source) in sources.enumerated() {
      let state = configuration.changelog == nil ? nil : restored[number]
      opened.append((try makeTask(source, state), state?.tail ?? WriteSet()))
    }
    return opened
  }

  private func makeTask(_ source: TopicPartition, _ state: RestoredStore<Storage.Store>?)
    throws(StageError) -> Task
  {
    guard let topic = configuration.inputs.firstIndex(of: source.topic) else {
      throw .failed("assigned \(source), which this stage does not read", .stopDaemon)
    }
    let start = try environment.startOffset(
      of: source, restored: state?.inputOffset, for: consumer)
    return try Task(
      topic: topic, source: source, store: state?.store, producer: producer,
      changelogTopic: state == nil ? nil : configuration.outputs.count, startOffset: start)
  }

  /// Writes the values of the state over changes that no position vouches for: the next position
  /// would vouch for them too, and its batch need not change the same keys. It is a batch of its
  /// own, whose position then vouches for nothing wrong.
  private func takeBack(_ opened: [(task: Task, tail: WriteSet)]) throws(StageError) {
    guard opened.contains(where: { !$0.tail.isEmpty }) else { return }
    do throws(StageError) {
      try openBatch()
      for (task, tail) in opened {
        try tail.forEach { (table, key, _) throws(StageError) in
          let value = try task.get(table, key) { value in
            if let value { Array(copying: value) } else { nil as [UInt8]? }
          }
          try task.put(table, key, value?.span.bytes)
        }
      }
      try commitBatch(by: steps.filter { $0 != .closeBatch })
    } catch {
      // To go on without it would be wrong.
      guard error.reaction == .abortBatch else { throw error }
      throw .failed(error.description, .abandonPartition)
    }
  }

  private func publishPositions() {
    var partitions: [TopicPartition: StageStatus.Partition] = [:]
    for task in tasks {
      let next = task.nextOffset
      partitions[task.source] = StageStatus.Partition(
        nextOffset: next, endOffset: consumer.endHint(of: task.source) ?? next)
    }
    environment.monitor.update { $0.partitions = partitions }
  }
}
