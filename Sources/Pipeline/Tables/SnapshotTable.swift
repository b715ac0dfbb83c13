public import EventLog

/// Reads all partitions of a compacted topic up to their present ends when it is asked: the first
/// time from the beginning, then from where it stopped. In between nothing is fetched, whereas a
/// `GlobalTable` follows its topic. Belongs to one thread.
public final class SnapshotTable<Consumer: LogConsumer> {
  private var reader: PartitionReader<Consumer>
  /// Asks for ends where the reader does not see them.
  private let inquirer: Consumer?
  private let partitions: [TopicPartition]
  /// The offsets up to which partitions were read.
  private var positions: [TopicPartition: Int64] = [:]

  /// - Parameter waits: whether `catchUp` waits for transactions that are open: what they hold, and
  ///   what was committed behind them, is not visible yet.
  public init<Log: EventLog>(
    _ log: Log, topic: String, clientID: String, waits: Bool = false
  ) throws(LogError) where Log.Consumer == Consumer {
    reader = try PartitionReader(log, topics: [topic], clientID: "\(clientID)-\(topic)")
    inquirer =
      waits
      ? try log.makeConsumer(
        ConsumerConfiguration(
          topics: [topic], group: nil, clientID: "\(clientID)-\(topic)-ends", readCommitted: false))
      : nil
    let count = try reader.consumer.partitionCount(of: topic)
    partitions = (0..<count).map { TopicPartition(topic, $0) }
  }

  deinit { inquirer?.close() }

  /// Passes everything up to the topic's present end to `body`, which may see records again after
  /// an error.
  ///
  /// - Throws: `.unavailable` when nothing has come for ten seconds.
  public func catchUp(_ body: (borrowing RecordView) -> Void) throws(LogError) {
    var ends: [TopicPartition: Int64] = [:]
    var cursors: [PartitionCursor] = []
    for partition in partitions {
      let held = try (inquirer ?? reader.consumer).offsets(of: partition)
      let start = max(positions[partition] ?? 0, held.lowerBound)
      guard start < held.upperBound else { continue }
      ends[partition] = held.upperBound
      cursors.append(PartitionCursor(partition, from: .at(start), to: held.upperBound))
    }
    guard !cursors.isEmpty else { return }
    try reader.begin(cursors)
    try reader.readToEnd(patience: .seconds(10)) { _, record in
      body(record)
      return true
    }
    positions.merge(ends) { $1 }
  }
}
