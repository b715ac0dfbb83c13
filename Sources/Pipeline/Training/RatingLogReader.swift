import Codecs
public import EventLog
import Ratings
public import Recommender
public import Streams

/// Reads `validated-ratings` from its beginning up to given offsets, by the rules that the user
/// stage folds by (`RatingStatement`).
public final class RatingLogReader<Consumer: LogConsumer> {
  private var reader: PartitionReader<Consumer>
  private var parser = CanonicalEventParser()
  /// By partition of the topic.
  private var repeats: [RepeatFilter]
  private var log = RatingLog()

  /// How many offsets lie before the ends.
  public var total: Int { Int(reader.total) }
  /// How many of them have been passed.
  public var passed: Int { Int(reader.passed) }

  /// - Parameters:
  ///   - ends: by partition, the offset of the first record not to read.
  public init<Log: EventLog>(_ log: Log, topology: Topology, ends: [Int64], clientID: String)
    throws(LogError)
  where Log.Consumer == Consumer {
    let topic = topology[.validatedRatings]
    reader = try PartitionReader(
      log,
      ConsumerConfiguration(
        topics: [topic], group: nil, clientID: clientID,
        maxQueuedBytes: 32 << 20))
    repeats = Array(repeating: RepeatFilter(), count: ends.count)
    try reader.begin(
      ends.enumerated().map { number, end in
        PartitionCursor(TopicPartition(topic, Int32(number)), from: .beginning, to: end)
      })
  }

  /// Reads on, up to some tens of thousands of records.
  ///
  /// - Returns: whether anything is left.
  public func read() throws(LogError) -> Bool {
    try reader.poll(maxRecords: 50_000) { partition, record in
      take(record, of: partition)
      return true
    }
    return !reader.isFinished
  }

  /// The ratings that count, once everything is read.
  public func finish() -> RatingMatrix {
    var finished = RatingLog()
    swap(&finished, &log)
    return finished.finish()
  }

  private func take(_ record: borrowing RecordView, of partition: Int) {
    guard let value = record.value else { return }
    let event: RatingEvent
    do throws(RecordError) {
      event = try parser.parse(value)
    } catch {
      // Written by something other than intake. The user stage skips it too.
      return
    }
    guard repeats[partition].isNew(event.source),
      let statement = RatingStatement(event, genres: GenreSet())
    else { return }
    log.append(
      user: statement.user, movie: statement.movie, rating: event.rating,
      timeMilliseconds: event.timeMilliseconds)
  }
}
