import EventLog
import Streams

/// Reads a partition of a stage's input again, some records at a time. Belongs to one thread.
struct PastInput {
  /// What is read of one partition.
  struct Reading {
    /// The first offset that the log still has.
    let start: Int64
    private let readOn:
      (_ maxRecords: Int, (borrowing RecordView) -> Bool) throws(LogError) -> Int64

    fileprivate init(
      start: Int64,
      readOn: @escaping (Int, (borrowing RecordView) -> Bool) throws(LogError) -> Int64
    ) {
      self.start = start
      self.readOn = readOn
    }

    /// Hands the next records to `body`, until it returns false. Waits a little if there are none.
    ///
    /// - Returns: the offset that everything before was handed out of.
    func callAsFunction(atMost records: Int, _ body: (borrowing RecordView) -> Bool)
      throws(StageError) -> Int64
    {
      do throws(LogError) { return try readOn(records, body) } catch { throw .log(error) }
    }
  }

  private let begin: (Int32, Range<Int64>) throws(LogError) -> Reading

  init<Log: EventLog>(_ topic: String, in log: Log, clientID: String) {
    begin = { partition, range throws(LogError) in
      let source = TopicPartition(topic, partition)
      let held = try Held(log, source, range, "\(clientID)-\(topic)-again")
      return Reading(start: held.start) { maxRecords, body throws(LogError) in
        try held.reader.poll(maxRecords: maxRecords) { _, record in body(record) }
        return held.reader.isFinished ? range.upperBound : held.reader.cursors[0].next
      }
    }
  }

  /// Begins to read a partition.
  func read(_ partition: Int32, _ range: Range<Int64>) throws(StageError) -> Reading {
    do throws(LogError) { return try begin(partition, range) } catch { throw .log(error) }
  }

  private final class Held<Consumer: LogConsumer> {
    var reader: PartitionReader<Consumer>
    let start: Int64

    init<Log: EventLog>(
      _ log: Log, _ source: TopicPartition, _ range: Range<Int64>, _ clientID: String
    ) throws(LogError) where Log.Consumer == Consumer {
      var reader = try PartitionReader(
        log, topics: [source.topic], clientID: clientID, maxQueuedBytes: 8 << 20)
      start = try reader.consumer.offsets(of: source).lowerBound
      let from = max(start, range.lowerBound)
      try reader.begin([PartitionCursor(source, from: .at(from), to: range.upperBound)])
      self.reader = reader
    }
  }
}
