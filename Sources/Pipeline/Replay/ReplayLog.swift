public import EventLog

/// A log on which a stage folds one partition of its input again, from the beginning up to an
/// offset, and changes nothing: the engine's own loop runs on it as on the log itself.
///
/// The stage's group has this one member, which is assigned the one partition. The changelog is
/// empty. What the stage sends is numbered and handed to `onSend`. All other topics, the global
/// tables, are the log's.
public struct ReplayLog<Base: EventLog>: EventLog {
  public typealias Consumer = ReplayConsumer<Base.Consumer>
  public typealias Producer = ReplayProducer<Base.Consumer>

  let base: Base
  let source: TopicPartition
  /// Offset of the first record not to be folded.
  let end: Int64
  let changelog: String
  /// Told the offset reached; at last `end`, after which nothing more is delivered.
  let onProgress: @Sendable (Int64) -> Void
  /// Handed what the stage sends, with the topic's index among its outputs.
  let onSend: @Sendable (_ topic: Int, _ key: RawSpan?, _ value: RawSpan?) -> Void

  public func makeConsumer(_ configuration: ConsumerConfiguration) throws(LogError) -> Consumer {
    if configuration.topics == [changelog] { return ReplayConsumer(.nothing) }
    guard configuration.group != nil else {
      return ReplayConsumer(.everything(try base.makeConsumer(configuration)))
    }
    let reader = try base.makeConsumer(
      ConsumerConfiguration(
        topics: [source.topic], group: nil, clientID: configuration.clientID,
        fetchWait: .milliseconds(20)))
    return ReplayConsumer(
      .input(ReplayedInput(reader, source: source, end: end, onProgress: onProgress)))
  }

  public func makeProducer(_ configuration: ProducerConfiguration) throws(LogError) -> Producer {
    ReplayProducer(changelog: configuration.topics.firstIndex(of: changelog), onSend: onSend)
  }

  public func fence(transactionalID: String) throws(LogError) {}
}

/// The input's partition, which ends at an offset.
final class ReplayedInput<Base: LogConsumer> {
  let reader: Base
  let source: TopicPartition
  private let end: Int64
  private let onProgress: @Sendable (Int64) -> Void
  private var isAssigned = false
  private var hasReached = false

  init(
    _ reader: Base, source: TopicPartition, end: Int64,
    onProgress: @escaping @Sendable (Int64) -> Void
  ) {
    self.reader = reader
    self.source = source
    self.end = end
    self.onProgress = onProgress
  }

  func assign(_ start: StartOffset) throws(LogError) {
    isAssigned = true
    try reader.assign([(source, start)])
    if end == 0 { reach(end) }
  }

  func pollRuns(maxRecords: Int, timeout: Duration, _ body: (borrowing RecordRun) -> Bool)
    throws(LogError) -> PollResult
  {
    var result = PollResult()
    guard isAssigned else {
      result.rebalance = .assigned([source])
      return result
    }
    guard !hasReached else { return result }
    var next: Int64?
    var beyond = 0
    let end = self.end
    result = try reader.pollRuns(maxRecords: maxRecords, timeout: timeout) { run in
      let wanted = run.index(ofOffset: end)
      beyond = run.count - wanted
      if wanted > 0 {
        let wantedRun = run.extracting(0..<wanted)
        next = wantedRun.lastOffset + 1
        guard body(wantedRun) else { return false }
      }
      return beyond == 0
    }
    result.records -= beyond
    // Transaction markers leave gaps, at the end too.
    if let told = result.ends[source] { next = max(next ?? 0, told) }
    if beyond > 0 || (next ?? 0) >= end { reach(end) } else if let next { onProgress(next) }
    return result
  }

  private func reach(_ end: Int64) {
    hasReached = true
    onProgress(end)
  }
}

/// A consumer of a `ReplayLog`.
public final class ReplayConsumer<Base: LogConsumer>: LogConsumer {
  enum Content {
    case input(ReplayedInput<Base>)
    /// As the log has it.
    case everything(Base)
    case nothing
  }

  private let content: Content

  init(_ content: Content) {
    self.content = content
  }

  private var reader: Base? {
    switch content {
    case .input(let input): input.reader
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
    try reader?.rewind(offsets)
  }

  public func committed(_ partitions: [TopicPartition]) throws(LogError)
    -> [TopicPartition: Int64]
  { [:] }

  public func owners(of partitions: [TopicPartition]) throws(LogError)
    -> [TopicPartition: String]
  { [:] }

  public func offsets(of partition: TopicPartition) throws(LogError) -> Range<Int64> {
    try reader?.offsets(of: partition) ?? 0..<0
  }

  public func partitionCount(of topic: String) throws(LogError) -> Int32 {
    try reader?.partitionCount(of: topic) ?? 0
  }

  public func endHint(of partition: TopicPartition) -> Int64? { reader?.endHint(of: partition) }

  public func commit(_ offsets: [TopicPartition: Int64], wait: Bool) throws(LogError) {}

  public func disown(_ offsets: [TopicPartition: Int64]) throws(LogError) {}

  public func close(leaving: Bool) { reader?.close(leaving: leaving) }
}

/// A producer to a `ReplayLog`: it numbers what it is sent, and hands it on.
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
