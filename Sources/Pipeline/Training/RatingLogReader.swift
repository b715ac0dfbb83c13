public import EventLog
public import Recommender
public import Streams

/// Reads `validated-ratings` from its beginning up to given offsets, as the user stage reads it: what
/// is not a rating has no effect, and neither has an event that intake wrote twice.
public final class RatingLogReader<Consumer: LogConsumer> {
  /// A partition of the topic has lost its first records, so its ratings are not all there.
  public struct Truncated: Error, Hashable, Sendable {
    public var partition: TopicPartition
    public var firstOffset: Int64
  }

  /// An intake partition as one partition of the topic sees it.
  private struct Source: Hashable {
    var partition: Int32
    var source: Int32
  }

  private let consumer: Consumer
  private let topic: String
  private let ends: [Int64]
  private var parser = CanonicalEventParser()
  private var sources: [Source: Int64] = [:]
  private var next: [Int64]
  private var log = RatingLog()

  /// How many offsets lie before the ends.
  public let total: Int
  /// How many of them are behind.
  public var passed: Int { next.reduce(0) { $0 + Int($1) } }

  /// - Parameters:
  ///   - ends: by partition, the offset before which records are read.
  public init<Log: EventLog>(_ log: Log, topology: Topology, ends: [Int64], clientID: String)
    throws(LogError)
  where Log.Consumer == Consumer {
    let topic = topology[.validatedRatings]
    self.topic = topic
    consumer = try log.makeConsumer(
      ConsumerConfiguration(
        topics: [topic], group: nil, clientID: clientID,
        maxQueuedBytes: 32 << 20))
    self.ends = ends
    next = Array(repeating: 0, count: ends.count)
    total = ends.reduce(0) { $0 + Int($1) }
    try consumer.assign(
      ends.indices.filter { ends[$0] > 0 }.map {
        (TopicPartition(topic, Int32($0)), .beginning)
      })
  }

  deinit { consumer.close() }

  /// Reads on, up to some tens of thousands of records.
  ///
  /// - Returns: whether anything is left.
  public func read() throws(LogError) -> Bool {
    guard passed < total else { return false }
    let result = try consumer.poll(maxRecords: 50_000, timeout: .milliseconds(100)) { record in
      take(record)
      return true
    }
    for (partition, end) in result.ends { advance(Int(partition.partition), to: end) }
    return passed < total
  }

  /// The ratings that count, once nothing is left.
  public func finish() -> RatingMatrix {
    var finished = RatingLog()
    swap(&finished, &log)
    return finished.finish()
  }

  private func take(_ record: borrowing RecordView) {
    let partition = Int(record.partition)
    defer { advance(partition, to: record.offset + 1) }
    guard record.offset < ends[partition], let value = record.value else { return }
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

  private func advance(_ partition: Int, to offset: Int64) {
    next[partition] = max(next[partition], min(offset, ends[partition]))
  }
}
