import Codecs
public import EventLog
import Ratings
public import Recommender
public import Streams

/// Reads `validated-ratings` from its beginning up to given offsets, by the rules that the user
/// stage folds by (`RatingStatement`).
///
/// Where the events' times do not decide, the topic is read a second time (`RatingReduction`).
public final class RatingLogReader<Consumer: LogConsumer> {
  private let topic: String
  private let ends: [Int64]
  private var reader: PartitionReader<Consumer>
  private var parser = CanonicalEventParser()
  private var reduction = RatingReduction()

  /// How many offsets lie before the ends.
  public var total: Int { Int(reader.total) }
  /// How many of them have been passed.
  public var passed: Int { Int(reader.passed) }

  /// - Parameters:
  ///   - ends: by partition, the offset of the first record not to read.
  public init<Log: EventLog>(_ log: Log, topology: Topology, ends: [Int64], clientID: String)
    throws(LogError)
  where Log.Consumer == Consumer {
    topic = topology[.validatedRatings]
    self.ends = ends
    reader = try PartitionReader(log, topics: [topic], clientID: clientID, maxQueuedBytes: 32 << 20)
    try begin()
  }

  private func begin() throws(LogError) {
    try reader.begin(
      ends.enumerated().map { number, end in
        PartitionCursor(TopicPartition(topic, Int32(number)), from: .beginning, to: end)
      })
  }

  /// Reads on, up to some tens of thousands of records.
  ///
  /// - Returns: whether anything is left.
  public func read() throws(LogError) -> Bool {
    try reader.poll(maxRecords: 50_000) { _, record in
      if let statement = parser.statement(in: record) { reduction.take(statement) }
      return true
    }
    return !reader.isFinished
  }

  /// The ratings that count, once everything is read.
  public func finish() throws(LogError) -> RatingMatrix {
    var finished = RatingReduction()
    swap(&finished, &reduction)
    return try finished.finish { (fold) throws(LogError) in
      try begin()
      try reader.readToEnd { _, record in
        if let statement = parser.statement(in: record) { fold(statement) }
        return true
      }
    }
  }
}

extension CanonicalEventParser {
  /// - Returns: `nil` for a record that says nothing of a rating.
  mutating func statement(in record: borrowing RecordView) -> RatingStatement? {
    guard let value = record.value else { return nil }
    do throws(RecordError) {
      let event = try parse(value, recordTime: record.timestamp)
      return RatingStatement(event, genres: GenreSet())
    } catch {
      // Written by something other than intake. The user stage skips it too.
      return nil
    }
  }
}
