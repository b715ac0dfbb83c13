/// Reads partitions side by side, each from an offset up to an end or without one. Belongs to one
/// thread, and closes its consumer when it is destroyed.
///
/// `PartitionCursor` decides what is read. Finished partitions are no longer fetched.
/// Offsets that retention has deleted fail a poll with `.offsetOutOfRange`;
/// `MissingOffsets` tells beforehand.
public struct PartitionReader<Consumer: LogConsumer>: ~Copyable {
  /// For questions to the log.
  public let consumer: Consumer
  private let topics: [String]
  private var table: CursorTable
  /// Indices of the cursors whose partitions are assigned to the consumer.
  private var assigned: [Int] = []

  public init<Log: EventLog>(_ log: Log, _ configuration: ConsumerConfiguration) throws(LogError)
  where Log.Consumer == Consumer {
    consumer = try log.makeConsumer(configuration)
    topics = configuration.topics
    table = CursorTable([], topics: topics)
  }

  /// A reader up to ends that are known. What comes last may be markers, which no fetch shows: the
  /// broker must not hold the one that finds nothing behind them.
  public init<Log: EventLog>(
    _ log: Log, topics: [String], clientID: String, readCommitted: Bool = true,
    maxQueuedBytes: Int = 4 << 20
  ) throws(LogError) where Log.Consumer == Consumer {
    try self.init(
      log,
      ConsumerConfiguration(
        topics: topics, group: nil, clientID: clientID, readCommitted: readCommitted,
        maxQueuedBytes: maxQueuedBytes, fetchWait: .milliseconds(5)))
  }

  deinit { consumer.close() }

  /// In the order in which they were given.
  public var cursors: [PartitionCursor] { table.cursors }
  /// Whether all partitions are at their ends or abandoned.
  public var isFinished: Bool { table.unfinished == 0 }

  /// Offsets from the starts to the ends, and those of them that have been passed.
  public var total: Int64 { cursors.reduce(0) { $0 + $1.total } }
  public var passed: Int64 { cursors.reduce(0) { $0 + $1.passed } }

  /// Reads these partitions from now on, in place of the earlier ones.
  public mutating func begin(_ cursors: [PartitionCursor]) throws(LogError) {
    try release(assigned)
    table = CursorTable(cursors, topics: topics)
    assigned = cursors.indices.filter { !cursors[$0].isFinished }
    try consumer.assign(assigned.map { (cursors[$0].partition, cursors[$0].start) })
  }

  /// Reads nothing more of a partition.
  public mutating func abandon(_ number: Int) throws(LogError) {
    table.abandon(number)
    try releaseFinished()
  }

  /// Reads partitions again from the given offsets.
  public mutating func rewind(_ offsets: [TopicPartition: Int64]) throws(LogError) {
    var back: [(partition: TopicPartition, offset: StartOffset)] = []
    for number in cursors.indices {
      let partition = cursors[number].partition
      guard let offset = offsets[partition] else { continue }
      table.rewind(number, to: offset)
      guard !assigned.contains(number), !cursors[number].isFinished else { continue }
      assigned.append(number)
      back.append((partition, .at(offset)))
    }
    try consumer.rewind(offsets)
    if !back.isEmpty { try consumer.assign(back) }
    try releaseFinished()
  }

  // MARK: Reading

  /// Hands runs of available records to `body`. Waits up to `timeout`, for the first one only.
  ///
  /// - Parameters:
  ///   - body: called once per run, with the index of its cursor. Returns false to stop, after
  ///     which only `begin` or `rewind` may follow.
  /// - Returns: what the consumer reports, with the number of records handed out.
  @discardableResult
  public mutating func pollRuns(
    maxRecords: Int = 10_000, timeout: Duration = .milliseconds(100),
    _ body: (_ number: Int, borrowing RecordRun) -> Bool
  ) throws(LogError) -> PollResult {
    guard !isFinished else { return PollResult() }
    var records = 0
    var result = try consumer.pollRuns(maxRecords: maxRecords, timeout: timeout) { run in
      guard let (number, wanted) = table.take(run) else { return table.unfinished > 0 }
      records += wanted.count
      return body(number, run.extracting(wanted))
    }
    result.records = records
    table.reach(result.ends)
    try releaseFinished()
    return result
  }

  /// As `pollRuns`, one record per call.
  @discardableResult
  public mutating func poll(
    maxRecords: Int = 10_000, timeout: Duration = .milliseconds(100),
    _ body: (_ number: Int, borrowing RecordView) -> Bool
  ) throws(LogError) -> PollResult {
    var records = 0
    var result = try pollRuns(maxRecords: maxRecords, timeout: timeout) { number, run in
      for index in run.indices {
        records += 1
        guard body(number, run[index]) else { return false }
      }
      return true
    }
    result.records = records
    return result
  }

  /// Polls until all partitions are at their ends.
  ///
  /// - Parameters:
  ///   - patience: how long no partition may make progress, counted in timeouts of polls; `nil`
  ///     waits forever.
  ///   - onPoll: called after each poll; returns false to stop.
  ///   - body: as of `poll`; when it returns false nothing more is read.
  /// - Throws: `.unavailable`, naming a partition, when patience runs out.
  public mutating func readToEnd(
    maxRecords: Int = 10_000, patience: Duration? = nil,
    onPoll: (_ cursors: [PartitionCursor]) -> Bool = { _ in true },
    _ body: (_ number: Int, borrowing RecordView) -> Bool
  ) throws(LogError) {
    try read(maxRecords, patience, onPoll, body) { cursors in
      cursors.first { !$0.isFinished }.map { ($0.partition, $0.end) }
    }
  }

  /// Polls until no partition is below its goal, and passes on what has arrived beyond the goals
  /// too. For partitions without an end; otherwise like `readToEnd`.
  ///
  /// - Parameter goals: offsets by partition; those not named have none.
  public mutating func readOn(
    to goals: [TopicPartition: Int64], maxRecords: Int = 10_000, patience: Duration? = nil,
    onPoll: (_ cursors: [PartitionCursor]) -> Bool = { _ in true },
    _ body: (_ number: Int, borrowing RecordView) -> Bool
  ) throws(LogError) {
    try read(maxRecords, patience, onPoll, body) { cursors in
      for cursor in cursors where !cursor.isFinished {
        if let goal = goals[cursor.partition], cursor.next < goal {
          return (cursor.partition, goal)
        }
      }
      return nil
    }
  }

  /// - Parameter unread: the first partition to be read further, and how far.
  private mutating func read(
    _ maxRecords: Int, _ patience: Duration?, _ onPoll: (_ cursors: [PartitionCursor]) -> Bool,
    _ body: (_ number: Int, borrowing RecordView) -> Bool,
    unread: ([PartitionCursor]) -> (partition: TopicPartition, end: Int64)?
  ) throws(LogError) {
    let timeout = Duration.milliseconds(100)
    var silence = Duration.zero
    var isStopped = false
    while !isStopped, let (partition, end) = unread(cursors) {
      let before = passed
      let result = try poll(maxRecords: maxRecords, timeout: timeout) { number, record in
        isStopped = !body(number, record)
        return !isStopped
      }
      silence = result.records > 0 || passed > before ? .zero : silence + timeout
      if let patience, silence >= patience {
        throw LogError(
          .unavailable, "\(partition) can't be read to its end at \(end)", reaction: .retry)
      }
      if !onPoll(cursors) { return }
    }
  }

  /// Whether a partition of the reader's topics has a visible record at these offsets: markers of
  /// transactions are none. Ends what was read before.
  ///
  /// - Throws: `.unavailable` when patience runs out; `nil` waits forever.
  public mutating func holdsRecords(
    _ partition: TopicPartition, _ range: Range<Int64>, patience: Duration? = nil
  ) throws(LogError) -> Bool {
    guard !range.isEmpty else { return false }
    try begin([PartitionCursor(partition, from: .at(range.lowerBound), to: range.upperBound)])
    var isFound = false
    try readToEnd(maxRecords: 1, patience: patience) { _, _ in
      isFound = true
      return false
    }
    return isFound
  }

  // MARK: Assignment

  private mutating func releaseFinished() throws(LogError) {
    guard table.unfinished < assigned.count else { return }
    let finished = assigned.filter { cursors[$0].isFinished }
    try release(finished)
  }

  private mutating func release(_ numbers: [Int]) throws(LogError) {
    guard !numbers.isEmpty else { return }
    assigned.removeAll(where: numbers.contains)
    try consumer.unassign(numbers.map { cursors[$0].partition })
  }
}
