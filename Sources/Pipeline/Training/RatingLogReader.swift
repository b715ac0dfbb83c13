import Codecs
public import EventLog
import Ratings
public import Recommender

/// Reads `validated-ratings` from its beginning up to given offsets, as the user stage reads it: what
/// is not a rating has no effect, and neither has an event that intake wrote twice.
public final class RatingLogReader<Consumer: LogConsumer> {
  /// An intake partition as one partition of the topic sees it.
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
  ///   - ends: by partition, the offset before which records are read.
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

  /// The ratings that count, once nothing is left.
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
      // Written by someone else than intake; the user stage leaves it out, too.
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
