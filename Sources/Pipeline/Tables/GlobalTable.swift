public import EventLog

/// Reads all partitions of a compacted topic from the beginning, and follows them: every instance
/// knows what is in it, whichever partitions it owns. Belongs to one thread.
public final class GlobalTable<Consumer: LogConsumer> {
  private var reader: PartitionReader<Consumer>
  /// Asks for ends on a separate connection. On the reader's, the answer would wait behind a fetch
  /// that the broker holds until something new arrives.
  private let inquirer: Consumer
  private let partitions: [TopicPartition]

  public init<Log: EventLog>(_ log: Log, topic: String, clientID: String) throws(LogError)
  where Log.Consumer == Consumer {
    reader = try PartitionReader(
      log,
      ConsumerConfiguration(
        topics: [topic], group: nil, clientID: "\(clientID)-\(topic)", maxQueuedBytes: 4 << 20))
    inquirer = try log.makeConsumer(
      ConsumerConfiguration(
        topics: [topic], group: nil, clientID: "\(clientID)-\(topic)-ends"))
    let count = try inquirer.partitionCount(of: topic)
    partitions = (0..<count).map { TopicPartition(topic, $0) }
    try reader.begin(partitions.map { PartitionCursor($0, from: .beginning) })
  }

  deinit { inquirer.close() }

  private static var recordsPerPoll: Int { 4_096 }

  /// Passes what has arrived to `body`, without waiting.
  public func poll(_ body: (borrowing RecordView) -> Void) throws(LogError) {
    while try poll(atMost: Self.recordsPerPoll, body) > 0 {}
  }

  /// Passes at most `count` of the records that have arrived to `body`, without waiting.
  ///
  /// - Returns: how many it passed.
  @discardableResult
  public func poll(atMost count: Int, _ body: (borrowing RecordView) -> Void) throws(LogError)
    -> Int
  {
    try reader.poll(maxRecords: count, timeout: .zero) { _, record in
      body(record)
      return true
    }.records
  }

  /// Passes everything up to the topic's present end to `body`.
  ///
  /// - Throws: `.unavailable` when nothing has come for ten seconds.
  public func catchUp(_ body: (borrowing RecordView) -> Void) throws(LogError) {
    var ends: [TopicPartition: Int64] = [:]
    for partition in partitions {
      let held = try inquirer.offsets(of: partition)
      if !held.isEmpty { ends[partition] = held.upperBound }
    }
    try reader.readOn(to: ends, maxRecords: Self.recordsPerPoll, patience: .seconds(10)) {
      _, record in
      body(record)
      return true
    }
  }
}
