public import EventLog

/// A log on which a stage folds one partition of its input again, from the beginning up to an
/// offset, and changes nothing: the engine's own loop runs on it as on the log itself.
///
/// The stage's group has this one member, which is assigned the one partition. The changelog is
/// empty. What the stage sends is numbered and passed to `onSend`. All other topics, those of the
/// global tables, are the underlying log's.
public struct ReplayLog<Base: EventLog>: EventLog {
  public typealias Consumer = ReplayConsumer<Base.Consumer>
  public typealias Producer = ReplayProducer<Base.Consumer>

  let base: Base
  let source: TopicPartition
  /// Offset of the first record not to be folded.
  let end: Int64
  let changelog: String
  /// Called with each offset reached, the last of which is `end`: nothing is delivered after it.
  let onProgress: @Sendable (Int64) -> Void
  /// Called with what the stage sends, and the topic's index among its outputs.
  let onSend: @Sendable (_ topic: Int, _ key: RawSpan?, _ value: RawSpan?) -> Void

  public func makeConsumer(_ configuration: ConsumerConfiguration) throws(LogError) -> Consumer {
    if configuration.topics == [changelog] { return ReplayConsumer(.nothing) }
    guard configuration.group != nil else {
      return ReplayConsumer(.everything(try base.makeConsumer(configuration)))
    }
    let input = try ReplayedInput(
      base, source, to: end, clientID: configuration.clientID, onProgress: onProgress)
    return ReplayConsumer(.input(input))
  }

  public func makeProducer(_ configuration: ProducerConfiguration) throws(LogError) -> Producer {
    ReplayProducer(changelog: configuration.topics.firstIndex(of: changelog), onSend: onSend)
  }

  public func fence(transactionalID: String) throws(LogError) {}
}

/// The input's partition, which ends at an offset.
final class ReplayedInput<Consumer: LogConsumer> {
  let source: TopicPartition
  private var reader: PartitionReader<Consumer>
  private let end: Int64
  private let onProgress: @Sendable (Int64) -> Void
  private var isAssigned = false
  private var reached: Int64?

  init<Log: EventLog>(
    _ log: Log, _ source: TopicPartition, to end: Int64, clientID: String,
    onProgress: @escaping @Sendable (Int64) -> Void
  ) throws(LogError) where Log.Consumer == Consumer {
    self.source = source
    self.end = end
    self.onProgress = onProgress
    reader = try PartitionReader(log, topics: [source.topic], clientID: clientID)
  }

  var consumer: Consumer { reader.consumer }

  func assign(_ start: StartOffset) throws(LogError) {
    isAssigned = true
    try reader.begin([PartitionCursor(source, from: start, to: end)])
    reportProgress()
  }

  func rewind(_ offsets: [TopicPartition: Int64]) throws(LogError) { try reader.rewind(offsets) }

  func pollRuns(maxRecords: Int, timeout: Duration, _ body: (borrowing RecordRun) -> Bool)
    throws(LogError) -> PollResult
  {
    guard isAssigned else {
      var result = PollResult()
      result.rebalance = .assigned([source])
      return result
    }
    var result = try reader.pollRuns(maxRecords: maxRecords, timeout: timeout) { _, run in
      body(run)
    }
    result.ends = reader.cursors[0].isAtEnd ? [source: end] : [:]
    reportProgress()
    return result
  }

  private func reportProgress() {
    let next = reader.cursors[0].isAtEnd ? end : reader.cursors[0].next
    guard next != reached else { return }
    reached = next
    onProgress(next)
  }
}

/// A consumer of a `ReplayLog`.
public final class ReplayConsumer<Base: LogConsumer>: LogConsumer {
  enum Content {
    case input(ReplayedInput<Base>)
    /// As the underlying log has it.
    case everything(Base)
    case nothing
  }

  private let content: Content

  init(_ content: Content) {
    self.content = content
  }

  private var reader: Base? {
    switch content {
    case .input(let input): input.consumer
    case .everything(let reader): reader
    case .nothing: nil
    }
  }

  public func pollRuns(
    maxRecords: Int, timeout: Duration, _ body: (borrowing RecordRun) -> Bool
  ) throws(LogError) -> PollResult {
    switch content {
    case .input(let input):
      try input.pollRuns(maxRecords: maxRecords, timeout: timeout, body)
    case .everything(let reader):
      try reader.pollRuns(maxRecords: maxRecords, timeout: timeout, body)
    case .nothing: PollResult()
    }
  }

  public func assign(_ starts: [(partition: TopicPartition, offset: StartOffset)])
    throws(LogError)
  {
    switch content {
    case .input(let input):
      for start in starts where start.partition == input.source { try input.assign(start.offset) }
    case .everything(let reader): try reader.assign(starts)
    case .nothing: return
    }
  }

  public func unassign(_ partitions: [TopicPartition]) throws(LogError) {
    try reader?.unassign(partitions)
  }

  public func rewind(_ offsets: [TopicPartition: Int64]) throws(LogError) {
    switch content {
    case .input(let input): try input.rewind(offsets)
    case .everything(let reader): try reader.rewind(offsets)
    case .nothing: return
    }
  }

  public func commits(of partitions: [TopicPartition]) throws(LogError)
    -> [TopicPartition: GroupOffset]
  { [:] }

  public func clusterID() throws(LogError) -> String { "replay" }

  public func groupMembers() throws(LogError) -> [String] { [] }

  public func owners(of partitions: [TopicPartition]) throws(LogError)
    -> [TopicPartition: String]
  { [:] }

  public func offsets(of partition: TopicPartition) throws(LogError) -> Range<Int64> {
    try reader?.offsets(of: partition) ?? 0..<0
  }

  public func offset(of partition: TopicPartition, at timestamp: Int64) throws(LogError) -> Int64? {
    try reader?.offset(of: partition, at: timestamp)
  }

  public func partitionCount(of topic: String) throws(LogError) -> Int32 {
    try reader?.partitionCount(of: topic) ?? 0
  }

  public func endHint(of partition: TopicPartition) -> Int64? { reader?.endHint(of: partition) }

  public func commit(_ offsets: [TopicPartition: Int64], wait: Bool) throws(LogError) {}

  public func disown(_ offsets: [TopicPartition: Int64]) throws(LogError) {}

  public func close(leaving: Bool) {
    // The input's reader closes its consumer itself.
    if case .everything(let reader) = content { reader.close(leaving: leaving) }
  }
}

/// A producer to a `ReplayLog`: it numbers changes of state, and passes the rest on.
public final class ReplayProducer<Base: LogConsumer>: LogProducer {
  public typealias Consumer = ReplayConsumer<Base>

  private let changelog: Int?
  private let onSend: @Sendable (_ topic: Int, _ key: RawSpan?, _ value: RawSpan?) -> Void
  private var changes: Int64 = 0
  private var newestTracked: Int64?

  init(
    changelog: Int?,
    onSend: @escaping @Sendable (_ topic: Int, _ key: RawSpan?, _ value: RawSpan?) -> Void
  ) {
    self.changelog = changelog
    self.onSend = onSend
  }

  public func topic(named name: String) throws(LogError) -> (index: Int, partitions: Int32) {
    throw LogError(.unknownTopic, "a replay has no topic \(name)", reaction: .stopDaemon)
  }

  public func send(
    topic: Int, partition: Int32?, key: RawSpan?, value: RawSpan?, headers: [RecordHeader],
    timestamp: Int64?, tracked: Bool
  ) throws(LogError) {
    guard topic == changelog else { return onSend(topic, key, value) }
    if tracked { newestTracked = changes }
    changes += 1
  }

  public func flush(timeout: Duration) throws(LogError) {}

  public func deliveredOffset(topic: Int, partition: Int32) -> Int64? {
    topic == changelog ? newestTracked : nil
  }

  public func beginTransaction() throws(LogError) {}

  public func commitTransaction(
    offsets: [TopicPartition: Int64], of consumer: Consumer, timeout: Duration
  ) throws(LogError) {}

  public func abortTransaction(timeout: Duration) throws(LogError) {}

  public func close() {}
}
