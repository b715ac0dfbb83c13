public import EventLog
public import StateStore

/// One input partition of a stage: its position and, in a stateful stage, its store and the changes
/// waiting for the batch's commit. Belongs to the stage's thread.
public final class PartitionTask<Store: StateStore, Producer: LogProducer> {
  /// Index of the input topic in `StageConfiguration.inputs`.
  public let topic: Int
  public let source: TopicPartition
  public var partition: Int32 { source.partition }
  /// The partition's store, also for readers on other threads; `nil` in a stage without state.
  public let store: Store?

  /// Offset of the next record to process.
  public internal(set) var nextOffset: Int64
  /// Offset after the last record that was ever processed: a record below it is read again.
  public private(set) var furthestOffset: Int64
  /// Offset up to which batches are committed.
  var committedOffset: Int64
  private var committedFurthestOffset: Int64
  /// The newest input record processed, as far as it is known.
  var lastRecord: RecordIdentity?
  private var committedLastRecord: RecordIdentity?
  /// Whether it starts elsewhere than where the state, or the stage's own record of its positions,
  /// stands: the group's offset says so until a batch is committed.
  var isMoved = false
  /// Whether it records its positions in a topic that has none of this partition yet, or has some
  /// of partitions that are gone.
  var lacksRecord: Bool { positionsTopic != nil && (!isRecorded || !goneRecords.isEmpty) }
  private let goneRecords: [Int32]
  private let isRecorded: Bool
  /// Whether the open batch has anything of this partition.
  var isTouched = false
  /// Whether the batch sends its position to the changelog; see `DeliveryStrategy.sendsPosition`.
  var sendsPosition = true
  /// Offset of the first changelog record that is not in the store.
  private var changelogOffset: Int64 = 0

  /// Which log the store is of.
  private(set) var origin: StoreOrigin?
  /// An identity that the batch gives the changelog.
  private var newIdentity: ChangelogIdentity?

  private let snapshot: Store.Snapshot?
  private let producer: Producer?
  private let changelogTopic: Int?
  private let positionsTopic: Int?
  /// By output, how many of its partitions keys are placed among; 0 leaves that to the producer.
  private let outputCounts: [Int32]
  private var writes = WriteSet()
  private var changelogKey: [UInt8] = []
  private var sent: SentRecords
  /// When the newest record processed happened, in milliseconds since 1970.
  private(set) var newestTime: Int64?

  /// - Parameters:
  ///   - changelogTopic: the producer's number for it; `nil` in a stage without state.
  ///   - positionsTopic: the same for the topic in which the stage records its positions.
  ///   - producedTopics: the producer's topics, by number.
  init(
    topic: Int, source: TopicPartition, store: Store?, producer: Producer?, changelogTopic: Int?,
    positionsTopic: Int? = nil, producedTopics: [String], outputCounts: [Int32?], start: TaskStart
  ) throws(StageError) {
    self.topic = topic
    self.source = source
    self.store = store
    self.producer = producer
    self.changelogTopic = changelogTopic
    self.positionsTopic = positionsTopic
    self.outputCounts = outputCounts.map { $0 ?? 0 }
    sent = SentRecords(topics: producedTopics)
    nextOffset = start.offset
    committedOffset = start.offset
    furthestOffset = max(start.offset, start.furthestOffset)
    committedFurthestOffset = furthestOffset
    lastRecord = start.last
    committedLastRecord = start.last
    isMoved = start.isMoved
    isRecorded = start.isRecorded
    goneRecords = start.goneRecords
    origin = start.origin
    if let store {
      let (view, offset) = try StageError.store { () throws(StoreError) in
        (try store.snapshot(), try store.changelogOffset())
      }
      snapshot = view
      changelogOffset = offset ?? 0
    } else {
      snapshot = nil
    }
  }

  // MARK: State

  /// Hands the committed value under `key` to `body`. Tables show the open batch's changes over it.
  func get<R>(_ table: Table, _ key: RawSpan, _ body: (RawSpan?) -> R)
    throws(StageError) -> R
  {
    guard let snapshot else { preconditionFailure("the stage has no state") }
    do throws(StoreError) { return try snapshot.get(table, key, body) } catch {
      throw .store(error)
    }
  }

  /// Hands every committed entry whose key begins with `prefix` to `body`, in key order, until it
  /// returns false.
  func scan(
    _ table: Table, prefix: RawSpan, _ body: (_ key: RawSpan, _ value: RawSpan) -> Bool
  ) throws(StageError) {
    guard let snapshot else { preconditionFailure("the stage has no state") }
    do throws(StoreError) { try snapshot.scan(table, prefix: prefix, body) } catch {
      throw .store(error)
    }
  }

  /// Sends a change to the changelog and applies it to the store at the batch's commit. `nil`
  /// deletes.
  func put(_ table: Table, _ key: RawSpan, _ value: RawSpan?) throws(StageError) {
    isTouched = true
    writes.set(table, key, value)
    // The store's changelog offset comes from the batch's last record.
    try sendChange(table, key, value, tracked: !sendsPosition)
  }

  private func sendChange(_ table: Table, _ key: RawSpan, _ value: RawSpan?, tracked: Bool)
    throws(StageError)
  {
    guard let producer, let changelogTopic else { preconditionFailure("the stage has no state") }
    // Swapped out, so that its memory is reused without a copy while it is borrowed.
    var framed: [UInt8] = []
    swap(&framed, &changelogKey)
    framed.removeAll(keepingCapacity: true)
    framed.append(table.rawValue)
    key.withUnsafeBytes { framed.append(contentsOf: $0) }
    do throws(LogError) {
      try producer.send(
        topic: changelogTopic, partition: partition, key: framed.span.bytes, value: value,
        headers: [], timestamp: nil, tracked: tracked)
    } catch { throw .log(error) }
    sent.note(topic: changelogTopic, framed.span.bytes, value)
    swap(&framed, &changelogKey)
  }

  // MARK: Outputs

  /// Sends a record to one of the stage's outputs. Without `partition` the key decides, by the
  /// number of partitions that the state was placed by.
  public func send(
    to output: StageOutput, partition: Int32? = nil, key: RawSpan?, value: RawSpan?,
    headers: [RecordHeader] = [], timestamp: Int64? = nil
  ) throws(StageError) {
    guard let producer else { preconditionFailure("the stage has no outputs") }
    isTouched = true
    do throws(LogError) {
      try producer.send(
        topic: output.index, partition: partition ?? place(of: key, in: output), key: key,
        value: value, headers: headers,
        timestamp: timestamp, tracked: false)
    } catch { throw .log(error) }
    sent.note(topic: output.index, key, value)
  }

  private func place(of key: RawSpan?, in output: StageOutput) -> Int32? {
    guard let key, output.index < outputCounts.count, outputCounts[output.index] > 0 else {
      return nil
    }
    return KafkaPartitioner.partition(key: key, count: outputCounts[output.index])
  }

  /// An output that was not declared; see `LogProducer.topic(named:)`.
  public func output(named name: String) throws(StageError) -> (
    output: StageOutput, partitions: Int32
  ) {
    guard let producer else { preconditionFailure("the stage has no outputs") }
    do throws(LogError) {
      let (index, partitions) = try producer.topic(named: name)
      return (StageOutput(index: index), partitions)
    } catch { throw .log(error) }
  }

  // MARK: Batch

  /// Whether its position is kept outside the group: in a store, or in a topic of positions.
  var keepsPosition: Bool { store != nil || positionsTopic != nil }

  private var position: Position { Position(inputOffset: nextOffset, last: lastRecord) }

  /// Moves past records that were processed.
  func pass(_ records: borrowing RecordRun) {
    isTouched = true
    nextOffset = records.lastOffset + 1
    furthestOffset = max(furthestOffset, nextOffset)
    let time = records.timestamp(at: records.count - 1)
    if time >= 0 { newestTime = time }
    if keepsPosition { lastRecord = RecordIdentity(lastOf: records) }
  }

  /// Adds the batch's position to the store's commit and, if the batch sends it, to the changelog.
  func putPosition() throws(StageError) {
    guard store != nil else {
      if positionsTopic != nil, sendsPosition { try sendPosition() }
      return
    }
    let key = Position.key
    let position = position.encoded
    isTouched = true
    writes.set(.meta, key.span.bytes, position.span.bytes)
    if sendsPosition { try sendPosition() }
  }

  /// Sends the position that the partition has reached.
  func sendPosition() throws(StageError) {
    if let positionsTopic { return try sendRecord(to: positionsTopic) }
    let key = Position.key
    let position = position.encoded
    try sendChange(.meta, key.span.bytes, position.span.bytes, tracked: true)
  }

  /// Records where it begins, in a topic of positions.
  func sendBeginning() throws(StageError) {
    guard let positionsTopic else { return }
    for partition in goneRecords {
      try send(positionsTopic, RecordedPosition.key(of: partition), nil)
    }
    try sendRecord(to: positionsTopic)
  }

  private func sendRecord(to topic: Int) throws(StageError) {
    let record = RecordedPosition(
      nextOffset: nextOffset, last: lastRecord, furthestOffset: furthestOffset)
    try send(topic, RecordedPosition.key(of: partition), record.encoded)
  }

  private func send(_ topic: Int, _ key: [UInt8], _ value: [UInt8]?) throws(StageError) {
    guard let producer else { preconditionFailure("the stage has no outputs") }
    do throws(LogError) {
      try producer.send(
        topic: topic, partition: 0, key: key.span.bytes, value: value?.span.bytes, headers: [],
        timestamp: nil, tracked: false)
    } catch { throw .log(error) }
    sent.note(topic: topic, key.span.bytes, value?.span.bytes)
  }

  /// Gives a changelog partition that has none its identity, in a batch of its own.
  func sendIdentity(_ identity: ChangelogIdentity) throws(StageError) {
    let (key, value) = (ChangelogIdentity.key, identity.encoded)
    isTouched = true
    newIdentity = identity
    try sendChange(.meta, key.span.bytes, value.span.bytes, tracked: true)
  }

  /// Adds to the store's commit that the changelog has its identity now.
  private func noteIdentity(at offset: Int64?) {
    guard let identity = newIdentity.take(), let offset, origin != nil else { return }
    origin?.changelog = identity
    origin?.changelogOffset = offset
    let (key, value) = (StoreOrigin.key, origin?.encoded ?? [])
    writes.set(.meta, key.span.bytes, value.span.bytes)
  }

  /// Applies the batch to the store, once the log has it.
  func commitStore() throws(StageError) {
    guard let store, let snapshot, let producer, let changelogTopic else { return }
    let delivered = producer.deliveredOffset(topic: changelogTopic, partition: partition)
    noteIdentity(at: delivered)
    guard !writes.isEmpty else { return }
    if sendsPosition, delivered == nil {
      throw .failed(
        Reason(
          .deliveryUnknown, "the changelog offset of \(source) is not known after its commit"),
        .stopDaemon)
    }
    // A view of the previous commit would keep its pages from being reused.
    snapshot.release()
    do throws(StoreError) {
      // A batch that sent nothing to the changelog leaves its offset as it was.
      changelogOffset = max(changelogOffset, (delivered ?? -1) + 1)
      // A restore can finish an interrupted commit only if its position is in the changelog.
      if sendsPosition {
        try store.commitInParts(&writes, changelogOffset: changelogOffset)
      } else {
        try store.commit(&writes, changelogOffset: changelogOffset)
      }
      try snapshot.renew()
    } catch { throw .store(error) }
    writes.removeAll()
  }

  /// Moves the committed position after the batch's commit.
  func settle() {
    committedOffset = nextOffset
    committedFurthestOffset = furthestOffset
    committedLastRecord = lastRecord
    isMoved = false
    isTouched = false
  }

  /// What it has sent since the last call.
  func takeSent() -> SentRecords {
    defer { sent.removeAll() }
    return sent
  }

  /// Drops the batch: processing resumes after the last commit.
  func rollBack() {
    sent.removeAll()
    writes.removeAll()
    nextOffset = committedOffset
    furthestOffset = committedFurthestOffset
    lastRecord = committedLastRecord
    newIdentity = nil
    isTouched = false
  }
}

/// Where a task begins.
struct TaskStart: Hashable, Sendable {
  var offset: Int64
  /// See `PartitionTask.furthestOffset`.
  var furthestOffset: Int64 = 0
  /// The newest input record before it, as far as it is known.
  var last: RecordIdentity?
  /// See `PartitionTask.isMoved`.
  var isMoved = false
  /// Whether the partition's position is in the topic of positions.
  var isRecorded = false
  /// Partitions with positions there that the input no longer has.
  var goneRecords: [Int32] = []
  /// Which log the store is of; `nil` without a store.
  var origin: StoreOrigin?
}
