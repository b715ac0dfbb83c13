public import EventLog
public import Recommender

/// Reads `validated-ratings` from its beginning up to given offsets, as the user stage does: what
/// is not a rating has no effect, and neither does an event that intake wrote twice.
public final class RatingLogReader<Consumer: LogConsumer> {
  /// A partition that intake read, as one partition of the topic sees it.
  private struct Source: Hashable {
    var partition: Int32
    var source: Int32
  }

  private var reader: PartitionReader<Consumer>
  private var parser = CanonicalEventParser()
  private var sources: [Source: Int64] = [:]
  private var log = RatingLog()

  /// How many offsets lie before the ends.
  public var total: Int { Int(reader.total) }
  /// How many of them have been passed.
  public var passed: Int { Int(reader.passed) }

  /// - Parameters:
  ///   - ends: by partition, the offset of the first record not to read.
  public init<Log: EventLog>(_ log: Log, ends: [Int64], clientID: String) throws(LogError)
  where Log.Consumer == Consumer {
    reader = try PartitionReader(
      log,
      ConsumerConfiguration(
        topics: [Topics.validatedRatings], group: nil, clientID: clientID,
        maxQueuedBytes: 32 << 20))
    try reader.begin(
      ends.enumerated().map { number, end in
        PartitionCursor(
          TopicPartition(Topics.validatedRatings, Int32(number)), from: .beginning, to: end)
      })
  }

  /// Reads on, up to some tens of thousands of records.
  ///
  /// - Returns: whether anything is left.
  public func read() throws(LogError) -> Bool {
    try reader.poll(maxRecords: 50_000) { _, record in
      take(record)
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

  private func take(_ record: borrowing RecordView) {
    guard let value = record.value else { return }
    let event: RatingEvent
    do throws(RecordError) {
      event = try parser.parse(value)
    } catch {
      // Not written by intake; the user stage skips it too.
      return
    }
    let source = Source(partition: record.partition, source: event.source.partition)
    guard event.source.offset > sources[source, default: -1] else { return }
    sources[source] = event.source.offset
    guard event.type == .rating, let movie = event.movie else { return }
    log.append(
      user: event.user, movie: movie, rating: event.rating,
      timeMilliseconds: event.timeMilliseconds)
  }
}
