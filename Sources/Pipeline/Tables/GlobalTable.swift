public import EventLog

/// Reads all partitions of one compacted topic, from the beginning and for ever: what every
/// instance knows, whatever partitions it owns. Belongs to one thread.
public final class GlobalTable<Consumer: LogConsumer> {
  private let consumer: Consumer
  /// Asks for ends on a connection of its own: on the reader's, an answer would wait behind a fetch
  /// that the broker holds until something new arrives.
  private let inquirer: Consumer
  private let partitions: [TopicPartition]
  private var positions: [TopicPartition: Int64] = [:]

  public init<Log: EventLog>(_ log: Log, topic: String, clientID: String) throws(LogError)
  where Log.Consumer == Consumer {
    consumer = try log.makeConsumer(
      ConsumerConfiguration(
        topics: [topic], group: nil, clientID: "\(clientID)-\(topic)", maxQueuedBytes: 4 << 20))
    inquirer = try log.makeConsumer(
      ConsumerConfiguration(
        topics: [topic], group: nil, clientID: "\(clientID)-\(topic)-ends"))
    let count = try inquirer.partitionCount(of: topic)
    partitions = (0..<count).map { TopicPartition(topic, $0) }
    try consumer.assign(partitions.map { ($0, .beginning) })
  }

  deinit {
    consumer.close()
    inquirer.close()
  }

  /// Hands what has arrived to `body`, without waiting.
  public func poll(_ body: (borrowing RecordView) -> Void) throws(LogError) {
    while try take(timeout: .zero, body) > 0 {}
  }

  /// Hands at most so many of the records that have arrived to `body`, without waiting.
  public func poll(atMost count: Int, _ body: (borrowing RecordView) -> Void) throws(LogError) {
    try take(timeout: .zero, maxRecords: count, body)
  }

  /// How many polls of 100 ms may bring nothing to one that catches up.
  private static var patience: Int { 100 }

  /// Hands everything up to the topic's present end to `body`.
  ///
  /// - Throws: `.unavailable` when nothing has come for ten seconds.
  public func catchUp(_ body: (borrowing RecordView) -> Void) throws(LogError) {
    var ends: [TopicPartition: Int64] = [:]
    for partition in partitions {
      let range = try inquirer.offsets(of: partition)
      if !range.isEmpty { ends[partition] = range.upperBound }
    }
    var silence = 0
    while let (partition, end) = ends.first(where: { positions[$0.key, default: 0] < $0.value }) {
      silence = try take(timeout: .milliseconds(100), body) > 0 ? 0 : silence + 1
      guard silence < Self.patience else {
        throw LogError(
          .unavailable, "\(partition) can't be read to its end at \(end)", reaction: .retry)
      }
    }
  }

  @discardableResult
  private func take(
    timeout: Duration, maxRecords: Int = 4096, _ body: (borrowing RecordView) -> Void
  ) throws(LogError) -> Int {
    let partitions = self.partitions
    var reached: [Int64] = Array(repeating: -1, count: partitions.count)
    let result = try consumer.poll(maxRecords: maxRecords, timeout: timeout) { record in
      reached[Int(record.partition)] = record.offset + 1
      body(record)
      return true
    }
    // A record that is delivered again takes nothing back: an end is told once.
    for (partition, next) in zip(partitions, reached) { advance(partition, to: next) }
    for (partition, end) in result.ends { advance(partition, to: end) }
    return result.records
  }

  private func advance(_ partition: TopicPartition, to position: Int64) {
    positions[partition] = max(positions[partition, default: 0], position)
  }
}
